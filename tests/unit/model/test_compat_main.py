"""The source document's main strategy, loaded as a whole: what one document means by another is settled."""

from pathlib import Path

import pytest
from kabanero.model.compat import TriggerFileRule, load

FOLDER = Path(__file__).parents[2] / "data" / "document"
STAGES = [
    "13-appsody-build",
    "14-tekton-stage-fvt",
    "15-tekton-stage-svt",
    "16-approval-stage",
    "17-tekton-stage-deploy",
]
MAIN = [*STAGES, "18-strategy-definition-main", "19-strategy-trigger-main", "20-strategy-run-main"]


def loaded(*names):
    return load("---\n".join((FOLDER / f"{name}.yaml").read_text() for name in names))


def only(loaded, kind):
    (found,) = [resource for resource in loaded.resources if resource["kind"] == kind]
    return found


@pytest.fixture(scope="module")
def main():
    return loaded(*MAIN)


@pytest.fixture(scope="module")
def bindings(main):
    return {each["stageName"]: each for each in only(main, "StrategyDefinition")["spec"]["stageBindings"]}


def test_the_whole_has_no_problems(main):
    assert main.problems == []


def test_every_stage_is_found_by_kind_and_name(bindings):
    assert {name: tuple(each["stageRef"].values()) for name, each in bindings.items()} == {
        "appsody_build": ("AppsodyBuild", "appsody-build"),
        "FVT": ("TektonStage", "fvt"),
        "SVT": ("TektonStage", "svt"),
        "Approval": ("EmailApprovalStage", "deploy-approval"),
        "Deploy": ("TektonStage", "deploy"),
    }


def test_undeclared_variables_become_the_declared_ones(bindings):
    assert bindings["appsody_build"]["resourceBindings"] == {
        "input": [{"stageVariable": "source", "strategyVariable": "src_repo"}],
        "output": [{"stageVariable": "image", "strategyVariable": "app_image"}],
    }


def test_the_first_event_has_one_spelling(main, bindings):
    emitted = only(main, "StrategyTrigger")["spec"]["events"][0]["emit"]["name"]
    assert bindings["appsody_build"]["triggers"] == [{"match": {"name": emitted}}]


def test_two_triggers_are_two_entries_that_must_both_happen(bindings):
    assert bindings["Approval"]["triggers"] == [
        {"match": {"name": "FVT", "status": "Success"}},
        {"match": {"name": "SVT", "status": "Success"}},
    ]


def test_the_attributes_of_one_event_are_one_entry(bindings):
    assert bindings["FVT"]["triggers"] == [{"match": {"name": "Build", "status": "Success"}}]


def test_that_deploy_is_never_triggered_is_not_repaired(bindings):
    assert bindings["Approval"]["emit"] == [{"name": "Deploy", "status": "$stage_status"}]
    assert bindings["Deploy"]["triggers"] == [{"match": {"name": "deploy_approval", "status": "Success"}}]


def test_the_trigger_waits_for_the_push_of_a_repository(main):
    (rule,) = only(main, "StrategyTrigger")["spec"]["events"]
    assert rule["match"] == {"eventName": "Push"}
    assert rule["filter"] == [{"attribute": "branch", "allowed": ["master"], "disallowed": ["*test"]}]


def test_expressions_are_written_in_one_way(main):
    (rule,) = only(main, "StrategyTrigger")["spec"]["events"]
    assert [variable.get("location") for variable in rule["variableBindings"]] == [
        "${event.location}",
        "${docker_registry}/${event.repository}",
        "${docker_registry}/${event.repository}:${event.commit}",
        None,
    ]


def test_lines_count_through_the_whole_text(main):
    text = "---\n".join((FOLDER / f"{name}.yaml").read_text() for name in MAIN).split("\n")
    star = next(repair for repair in main.repairs if repair.what.startswith("*test"))
    assert text[star.line - 1].strip() == "disallowed: *test"


def test_a_local_name_is_the_stages_name_in_the_strategy():
    strategy = only(loaded("01-tekton-stage-one-stage", "02-strategy-definition-one-stage"), "StrategyDefinition")
    (binding,) = strategy["spec"]["stageBindings"]
    assert (binding["stageName"], binding["stageRef"]["name"]) == ("Build", "appsody-build")
    assert strategy["spec"]["firstStage"] == "Build"


def test_the_status_of_a_run_is_kept():
    run = only(loaded("22-strategy-run-with-status"), "StrategyRun")
    assert run["status"]["phase"] == "Running"
    assert {stage["name"]: stage["phase"] for stage in run["status"]["stages"]} == {
        "Build": "Succeeded",
        "FVT": "Failed",
    }


def test_a_trigger_file_is_read_as_what_it_is():
    (file,) = loaded("03-trigger-file").trigger_files
    assert file.rules[1] == TriggerFileRule("Push", "strategies/pushNonMaster", ("*",), ("master",), 4)


def test_a_version_file_is_read_as_what_it_is():
    (file,) = loaded("12-strategy-version").trigger_files
    assert file.strategy_version == "0.2.1"
