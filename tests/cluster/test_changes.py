"""What may change in resources that are there: the API server refuses what the embedded API does, in the same words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kabanero.api.rules import change_problems
from kabanero.model.kinds.registry import BY_KIND

from tests.support.runner import resource
from tests.testbed.apiserver import ApiServer, KubectlError

pytestmark = pytest.mark.cluster
SPACE = "changes"
Json = dict[str, Any]

RUN: Json = {
    "strategy": "main",
    "variables": [{"name": "a", "value": {"deep": [1]}, "own": "x"}],
    "emit": {"name": "Go", "region": "eu"},
    "contextID": "c1",
    "cause": {"trigger": "push"},
}
STAGE_RUN: Json = {
    "stageName": "Build",
    "stageRef": {"kind": "PlaybookStage", "name": "build"},
    "contextID": "c1",
    "strategy": "main",
    "strategyRun": "run",
    "timeout": "5m",
}
REJECTED = {"decision": "Rejected", "by": "me"}
THERE: dict[str, tuple[str, Json, str]] = {
    "run": ("StrategyRun", RUN, "Running"),
    "bare": ("StrategyRun", {"strategy": "main"}, ""),
    "running": ("StageRun", STAGE_RUN, "Running"),
    "timed-out": ("StageRun", STAGE_RUN, "TimedOut"),
    "rejected": ("StageRun", {**STAGE_RUN, "approval": REJECTED}, "Failed"),
    "again": ("StageRun", {**STAGE_RUN, "attempt": 2}, "Failed"),
    "sent": ("StrategyEvent", {"topic": "Own", "contextID": "c1", "path": "/a", "data": {"name": "Go"}}, ""),
}
REFUSED: dict[str, tuple[str, Json]] = {
    "another strategy": ("run", {"strategy": "other"}),
    "another value of a variable": ("run", {"variables": [{"name": "a", "value": {"deep": [2]}, "own": "x"}]}),
    "another field of a variable": ("run", {"variables": [{"name": "a", "value": {"deep": [1]}, "own": "y"}]}),
    "no variables any more": ("run", {"variables": None}),
    "a variable that comes later": ("bare", {"variables": [{"name": "a", "value": 1}]}),
    "another first event": ("run", {"emit": {"region": "us"}}),
    "a first event that comes later": ("bare", {"emit": {"name": "Go"}}),
    "another context": ("run", {"contextID": "c2"}),
    "another cause": ("run", {"cause": {"trigger": "tag"}}),
    "another stage": ("running", {"stageName": "Deploy"}),
    "another stage resource": ("running", {"stageRef": {"name": "deploy"}}),
    "another run": ("running", {"strategyRun": "other"}),
    "another timeout": ("running", {"timeout": "1h"}),
    "no timeout any more": ("running", {"timeout": None}),
    "another decision": ("rejected", {"approval": {"decision": "Approved"}}),
    "no decision any more": ("rejected", {"approval": None}),
    "a decision that comes too late": ("timed-out", {"approval": {"decision": "Approved"}}),
    "a next attempt with the decision about the last": ("rejected", {"attempt": 2}),
    "another event": ("sent", {"data": {"name": "Stop"}}),
    "another topic": ("sent", {"topic": "Other"}),
    "no run of an event": ("sent", {"contextID": None}),
}
TAKEN: dict[str, tuple[str, Json]] = {
    "a cancel": ("run", {"cancel": True, "cancelReason": "enough"}),
    "the same": ("run", RUN),
    "nothing in other words": ("bare", {"variables": [], "contextID": "", "emit": None}),
    "a decision": ("running", {"approval": {"decision": "Approved"}}),
    "a cancel of a stage": ("running", {"cancel": True}),
    "the same decision": ("rejected", {"approval": REJECTED}),
    "a next attempt without the decision": ("rejected", {"attempt": 2, "approval": None}),
    "a next attempt with a decision of its own": ("rejected", {"attempt": 2, "approval": {"decision": "Approved"}}),
    "a next attempt of a stage that nobody decides": ("timed-out", {"attempt": 2}),
    "a decision with the next attempt": ("again", {"attempt": 3, "approval": {"decision": "Approved"}}),
    "the same event": ("sent", {"topic": "Own", "data": {"name": "Go"}}),
}


@pytest.fixture(scope="module")
def there(apiserver: ApiServer) -> ApiServer:
    """A server with all of THERE in it."""
    apiserver.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    made = [resource(kind, name, spec) for name, (kind, spec, _) in THERE.items()]
    apiserver.apply(*({**each, "metadata": {**each["metadata"], "namespace": SPACE}} for each in made))
    for name, (kind, _, phase) in THERE.items():
        if phase:
            changed(apiserver, kind, name, {"status": {"phase": phase}}, "--subresource=status")
    return apiserver


def changed(server: ApiServer, kind: str, name: str, patch: Json, *options: str) -> None:
    server.kubectl("patch", kind, name, "-n", SPACE, "--type=merge", "-p", json.dumps(patch), *options)


def merged(old: Any, patch: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(patch, dict):
        return patch
    result = {**old, **{key: merged(old.get(key), value) for key, value in patch.items()}}
    return {key: value for key, value in result.items() if value is not None}


def problems(name: str, change: Json) -> list[str]:
    """What the embedded API says."""
    kind, spec, phase = THERE[name]
    old: Json = {"kind": kind, "spec": spec, "status": {"phase": phase}}
    return [str(each) for each in change_problems(BY_KIND[kind].type, old, {**old, "spec": merged(spec, change)})]


@pytest.mark.parametrize("case", REFUSED)
def test_both_refuse_in_the_same_words(there: ApiServer, case: str) -> None:
    name, change = REFUSED[case]
    (problem,) = problems(name, change)
    path, _, reason = problem.partition(": ")
    with pytest.raises(KubectlError) as refused:
        changed(there, THERE[name][0], name, {"spec": change}, "--dry-run=server")
    assert path in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize("case", TAKEN)
def test_both_take_it(there: ApiServer, case: str) -> None:
    name, change = TAKEN[case]
    assert problems(name, change) == []
    changed(there, THERE[name][0], name, {"spec": change}, "--dry-run=server")
