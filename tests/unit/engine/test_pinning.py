"""What a run carries with it, so that later edits don't touch it."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.engine.pinning import pin
from kabanero.model.errors import InvalidError

REF = {"kind": "PlaybookStage", "name": "build"}
START = [{"match": {"name": "Start"}}]


def pinned(binding: dict[str, Any], own: dict[str, Any] | None = None, **spec: Any) -> Any:
    definition = {"metadata": {"generation": 3}, "spec": {"stageBindings": [{"stageRef": REF, **binding}], **spec}}
    stages = {("PlaybookStage", "build"): {"spec": own}} if own is not None else {}
    return pin("main", definition, stages)


def test_a_binding_takes_from_its_stage_what_it_does_not_say_itself() -> None:
    own = {"triggers": START, "emit": [{"name": "Built"}], "timeout": "5m", "retries": 2}
    binding = pinned({"stageName": "Build", "timeout": "9m"}, own).spec.stage_bindings[0]
    assert (binding.timeout, binding.retries, binding.emit) == ("9m", 2, ({"name": "Built"},))
    assert binding.triggers[0].match == {"name": "Start"}


def test_a_single_stage_without_triggers_waits_for_the_start_of_the_run() -> None:
    assert pinned({"stageName": "Build"}).spec.stage_bindings[0].triggers[0].match == {"name": "Start_Build"}


def test_the_digest_tells_contents_apart_and_nothing_else() -> None:
    one, same = pinned({"stageName": "A", "triggers": START}), pinned({"triggers": START, "stageName": "A"})
    assert one.digest == same.digest
    assert one.digest != pinned({"stageName": "B", "triggers": START}).digest
    assert one.generation == 3


def test_a_change_of_the_stage_changes_the_digest() -> None:
    quick, slow = ({"triggers": START, "timeout": each} for each in ("1m", "2m"))
    assert pinned({"stageName": "A"}, quick).digest != pinned({"stageName": "A"}, slow).digest


def test_a_definition_that_breaks_its_rules_is_refused_with_the_place() -> None:
    with pytest.raises(InvalidError, match=r"stageBindings\.0\.retries"):
        pinned({"stageName": "A", "retries": -1})
