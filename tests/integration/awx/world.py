"""A real runner beside a fake AWX: stages that launch templates there, and what became of them."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
from collections.abc import Callable
from typing import Any, TypeVar

from tests.support.awx import FakeAwx
from tests.support.runner import API, Runner, resource
from tests.support.strategies import binding, match, strategy

T = TypeVar("T")
QUICK = {"awx": {"settle": 1.0, "loginPatience": 1.0, "timeout": 5.0}}
"""Settings of a runner for tests in which answers get lost."""
BOUND = {
    "input": [{"stageVariable": "app", "strategyVariable": "app_image"}],
    "output": [{"stageVariable": "endpoint", "strategyVariable": "endpoint"}],
}
RESOURCES = {"input": [{"name": "app", "type": "image"}], "output": [{"name": "endpoint", "type": "string"}]}


def secret(name: str, **values: str) -> dict[str, Any]:
    """A Secret of these values."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


class World:
    """One strategy `ship` with the stage `Deploy`, and a stage `After` that its success starts."""

    def __init__(self, runner: Runner, awx: FakeAwx) -> None:
        self.runner, self.awx = runner, awx
        self.count = 0

    def set_up(self, login: dict[str, str] | None = None, **spec: Any) -> None:
        """Makes the Secret and the strategy; `spec` goes into the JobTemplateStage."""
        connection = {"url": self.awx.url, "secret": "awx", "pollInterval": "200ms"}
        connection |= spec.pop("connection", {})
        if "workflowTemplate" not in spec:
            spec.setdefault("jobTemplate", "deploy")
        bindings = [
            binding("Deploy", "JobTemplateStage", [match("Start")], resourceBindings=BOUND),
            binding("After", "EmailApprovalStage", [match("Deploy", "Success")]),
        ]
        variables = [{"name": "app_image", "type": "image"}, {"name": "endpoint", "type": "string"}]
        definition, *_ = strategy("ship", bindings)
        definition["spec"]["strategyVariables"] = variables
        self.runner.apply(
            secret("awx", **(login or {"token": self.awx.new_token()})),
            resource("JobTemplateStage", "deploy", {"connection": connection, "resources": RESOURCES, **spec}),
            resource("EmailApprovalStage", "after", {}),
            definition,
        )

    def start(self) -> str:
        """A run; the name of its stage run."""
        self.count += 1
        name = f"ship-{self.count}"
        variables = [{"name": "app_image", "location": "registry/shop:1"}]
        self.runner.apply(resource("StrategyRun", name, {"strategy": "ship", "variables": variables}))
        return f"{name}-deploy"

    def stage(self, name: str = "ship-1-deploy") -> dict[str, Any]:
        """The stage run as it is now, with an empty status while there is none."""
        try:
            found = self.runner.request("GET", f"{API}/stageruns/{name}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return {"status": {}}
        return {"status": {}, **found}

    def run(self, name: str = "ship-1") -> dict[str, Any]:
        """The strategy run as it is now."""
        return dict(self.runner.request("GET", f"{API}/strategyruns/{name}"))

    def ended(self, name: str = "ship-1-deploy") -> dict[str, Any]:
        """The status of a stage run once it has ended."""
        return self.until(lambda: _ended(self.stage(name)), f"the end of {name}", lambda: self.stage(name))

    def job_known(self, name: str = "ship-1-deploy") -> int:
        """The id of its job once the runner knows it."""
        return self.until(lambda: self.stage(name)["status"].get("job", {}).get("id"), f"a job of {name}")

    def launched(self, count: int = 1) -> list[dict[str, Any]]:
        """All jobs once there are so many."""
        return self.until(lambda: jobs if len(jobs := self.awx.launched()) >= count else None, f"{count} launches")

    def patch(self, plural: str, name: str, spec: dict[str, Any]) -> None:
        """Changes some of a spec."""
        self.runner.request("PATCH", f"{API}/{plural}/{name}", {"spec": spec}, "application/merge-patch+json")

    def delete(self, plural: str, name: str) -> None:
        """Takes a resource away."""
        self.runner.request("DELETE", f"{API}/{plural}/{name}")

    def until(self, found: Callable[[], T | None], what: str, shown: Callable[[], Any] | None = None) -> T:
        """Looks until there is something."""
        deadline = time.monotonic() + 40
        while not (value := found()):
            if time.monotonic() > deadline:
                state = json.dumps(shown() if shown else self.awx.requests[-30:], indent=1)
                raise AssertionError(f"{what} did not come\n{state[-4000:]}\n{self.runner.log.read_text()[-2000:]}")
            time.sleep(0.05)
        return value


def _ended(stage_run: dict[str, Any]) -> dict[str, Any] | None:
    status: dict[str, Any] = stage_run["status"]
    return status if status.get("completionTime") and "waitsOn" not in status else None
