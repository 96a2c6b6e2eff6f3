"""A runner with strategies of one custom stage each, and programs that carry them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import runs
from tests.support.runner import API, Runner, descendants, resource
from tests.support.stage_process import StageProcess
from tests.support.strategies import match

PROGRAM = Path(__file__).with_name("program.py")
KINDS = {"Work": ("fail", "crash", "misname", "command", "go"), "WorkAgain": ("command", "go"), "AsyncWork": ("go",)}


def definitions() -> list[dict[str, Any]]:
    """Kinds, stages, and for each stage a strategy of its name: `work-fail`, `workagain-go`, ..."""
    made = []
    for kind, deeds in KINDS.items():
        made.append(resource("StageKind", kind.lower(), {"kind": kind, "controller": "external"}))
        for deed in deeds:
            name = f"{kind.lower()}-{deed}"
            output = {"output": [{"name": "report", "type": "object"}]}
            made.append(resource(kind, name, {"parameters": {"do": deed}, "resources": output}))
            made.append(resource("StrategyDefinition", name, {"stageBindings": [_binding(kind, name)]}))
    return made


def _binding(kind: str, name: str, **more: Any) -> dict[str, Any]:
    emit = [{"name": "Work", "status": "$stage_status"}]
    ref = {"kind": kind, "name": name}
    return {"stageName": "work", "stageRef": ref, "triggers": [match("Start")], "emit": emit, **more}


def hasty(kind: str, deed: str, **binding: Any) -> dict[str, Any]:
    """A strategy of such a stage with more in its binding."""
    name = f"{kind.lower()}-{deed}"
    return resource("StrategyDefinition", f"{name}-hasty", {"stageBindings": [_binding(kind, name, **binding)]})


@dataclass
class World:
    """The programs of one test."""

    runner: Runner
    folder: Path
    processes: list[StageProcess] = field(default_factory=list)

    def program(self, *arguments: str, gone_after: float = 10) -> StageProcess:
        """Starts one more. Only who tests for what is gone sets a short time: a slow machine is not gone."""
        log, kubeconfig = self.folder / "stages.log", self.runner.data / "kubeconfig"
        environment = {"TEST_FOLDER": str(self.folder), "GONE_AFTER": str(gone_after)}
        self.processes.append(StageProcess(PROGRAM, kubeconfig, log, *arguments, **environment))
        return self.processes[-1]

    def start(self, strategy: str) -> str:
        """A run of a strategy; its name."""
        return runs.start(self.runner, strategy)

    def begun(self, run: str, times: int = 1) -> str:
        """The run, once its work was begun that often."""
        runs.wait(lambda: len(self.marks(f"begun {run} ")) >= times)
        return run

    def marks(self, like: str = "") -> list[str]:
        """Marks that begin so."""
        file = self.folder / "marks"
        return [line for line in (file.read_text() if file.exists() else "").splitlines() if line.startswith(like)]

    def go(self, run: str) -> None:
        """Lets the work of a run end."""
        (self.folder / f"{run}.go").touch()

    def stage_run(self, run: str) -> dict[str, Any]:
        """The StageRun of the run's stage."""
        return runs.stage_run(self.runner, run, "work")

    def status(self, run: str) -> dict[str, Any]:
        """Its status."""
        found: dict[str, Any] = self.stage_run(run).get("status", {})
        return found

    def ended(self, run: str) -> dict[str, Any]:
        """The run's stage, once the run has ended."""
        stage: dict[str, Any] = runs.ended(self.runner, run)["status"]["stages"][0]
        return stage

    def settled(self, run: str) -> dict[str, Any]:
        """The StageRun's status, once the run has taken its end in."""
        self.ended(run)
        return runs.wait(lambda: "waitsOn" not in (status := self.status(run)) and status)

    def patch(self, run: str, spec: dict[str, Any]) -> None:
        """Changes the spec of the StageRun."""
        runs.patch(self.runner, "stageruns", self.stage_run(run)["metadata"]["name"], spec)

    def delete(self, run: str) -> None:
        """Deletes the StageRun."""
        self.runner.request("DELETE", f"{API}/stageruns/{self.stage_run(run)['metadata']['name']}")

    def commands(self, program: StageProcess) -> list[int]:
        """Processes below a program."""
        return descendants(program.process.pid)

    def close(self) -> None:
        """Ends what still runs."""
        for process in self.processes:
            process.__exit__()
