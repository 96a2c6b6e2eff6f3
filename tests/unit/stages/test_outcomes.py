"""What a function's result or exception means, and what is written of it."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.validation import validate
from kabanero.stages import StageFailed
from kabanero.stages.claims import Claim
from kabanero.stages.outcomes import Outcome, claimed, ended, errored, raised, released, renewed, returned

CLAIM = Claim("us", "2026-11-24T12:00:00.5Z", 20.0)
HANDED = {
    "apiVersion": "kabanero.io/v1alpha1",
    "kind": "StageRun",
    "metadata": {"name": "a", "namespace": "kabanero"},
    "spec": {
        "stageName": "build",
        "stageRef": {"kind": "MultiPlatformBuild", "name": "a"},
        "contextID": "c",
        "strategy": "s",
        "strategyRun": "r",
    },
    "status": {
        "phase": "Triggered",
        "attempt": 2,
        "waitsOn": "External",
        "startTime": "2026-11-24T12:00:00Z",
        "ours": {"kept": True},
    },
}


def test_what_is_returned_are_the_outputs() -> None:
    outcome = returned({"image": {"location": "x"}}, ["image"])
    assert (outcome.phase, outcome.outputs) == ("Succeeded", {"image": {"location": "x"}})


def test_nothing_returned_is_success_without_outputs() -> None:
    assert (returned(None, ["image"]).phase, returned(None, ["image"]).outputs) == ("Succeeded", {})


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("img:1", "returned str, not a dict"),
        ({"imgae": 1}, "output 'imgae' is none of the stage's (did you mean image?)"),
        ({"image": object()}, "the outputs are no JSON"),
        ({"image": float("nan")}, "the outputs are no JSON"),
    ],
)
def test_outputs_that_cannot_be_are_refused_with_the_reason(result: Any, message: str) -> None:
    outcome = returned(result, ["image"])
    assert (outcome.phase, outcome.reason) == ("Errored", "BadOutputs")
    assert message in outcome.message


def test_a_stage_that_declares_no_outputs_may_hand_back_any() -> None:
    assert returned({"anything": 1}, []).outputs == {"anything": 1}


def test_a_failure_keeps_its_reason_and_outputs() -> None:
    outcome = raised(StageFailed("2 tests failed", reason="TestsFailed", outputs={"report": 1}), ["report"])
    assert outcome == Outcome(StagePhase.FAILED, "TestsFailed", "2 tests failed", {"report": 1})


def test_an_exception_is_errored_and_names_its_place() -> None:
    try:
        {}["source"]
    except KeyError as error:
        outcome = raised(error)
    assert (outcome.phase, outcome.reason) == ("Errored", "KeyError")
    assert outcome.message.startswith("KeyError: 'source' (test_outcomes.py:")


def test_every_status_that_is_written_is_valid_and_keeps_what_others_wrote() -> None:
    begun = claimed(HANDED, CLAIM)
    told = renewed(begun, CLAIM, {"progress": {"message": "half way", "percent": 50}, "links": {"log": "https://x"}})
    done = ended(told, errored("Interrupted", "gone"), "2026-11-24T12:01:00Z")
    for written in (begun, told, done, released(told)):
        assert written["status"].pop("ours") == {"kept": True}
        assert validate(written, strict=True) == []
        assert (written["status"]["waitsOn"], written["status"]["attempt"]) == ("External", 2)


def test_an_end_leaves_no_claim() -> None:
    done = ended(
        claimed(HANDED, CLAIM), Outcome(StagePhase.SUCCEEDED, "Succeeded", "", {"a": None}), "2026-11-24T12:01:00Z"
    )
    assert "claim" not in done["status"]
    assert (done["status"]["phase"], done["status"]["outputs"]) == ("Succeeded", {"a": None})


def test_what_is_released_is_as_before_it_was_claimed() -> None:
    assert released(renewed(claimed(HANDED, CLAIM), CLAIM, {"progress": {"percent": 50}})) == HANDED
