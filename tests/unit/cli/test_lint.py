"""`kabanero lint`: every mistake at its line, notes and warnings told apart from errors, exit codes for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from kabanero.cli.errors import ExitCode
from kabanero.cli.main import cli, run

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "tests" / "data" / "document"
MAIN = [str(path) for path in sorted(DOCUMENT.glob("1[3-9]-*.yaml"))]

STAGE = """\
apiVersion: kabanero.io/v1alpha1
kind: PlaybookStage
metadata: {name: build}
spec: {playbook: build.yml}
"""
STRATEGY = """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyDefinition
metadata: {name: main}
spec:
  stageBindings:
    - stageName: build
      stageRef: {kind: PlaybookStage, name: build}
      triggers: [{match: {name: Start}}]
      emit: [{name: Build, status: $stage_status}]
    - stageName: test
      stageRef: {kind: PlaybookStage, name: build}
      triggers:
        - match: {name: Build, status: Success}
"""
TRIGGER = """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyTrigger
metadata: {name: main}
spec:
  strategy: main
  events:
    - match: {eventName: Push}
      emit: {name: Start}
"""
GOOD = "---\n".join([STAGE, STRATEGY, TRIGGER])


def lint(*args: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["lint", *args], input=stdin, standalone_mode=False)


def items(text: str, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(lint("-o", "json", *args, "-", stdin=text).output)["items"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"stage.yaml": STAGE, "strategy.yaml": STRATEGY, "trigger.yaml": TRIGGER}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_without_mistakes_end_with_zero(folder: Path) -> None:
    result = lint(str(folder))
    assert (result.return_value, result.output) == (ExitCode.OK, "3 resources: no mistakes\n")


def test_the_demo_has_no_findings() -> None:
    result = lint("--strict", str(ROOT / "examples" / "demo"))
    assert (result.return_value, result.output) == (ExitCode.OK, "8 resources: no mistakes\n")


def test_a_mistake_is_told_with_file_and_line_and_the_path_that_leads_to_it(folder: Path) -> None:
    (folder / "strategy.yaml").write_text(
        STRATEGY.replace("name: Build, status: Success", "name: Biuld, status: Success")
    )
    result = lint(str(folder))
    assert result.return_value == ExitCode.FAILED
    first, path, summary = result.output.splitlines()
    assert first.startswith(
        f"error: {folder}/strategy.yaml:13: StrategyDefinition main: spec.stageBindings[1].triggers[0]"
    )
    assert first.endswith("(did you mean Build?)")
    assert path == "  path: Start → [build] → Build ✗ Biuld Success → [test]"
    assert summary == "3 resources: 1 error"


def test_the_documents_main_strategy_never_deploys() -> None:
    result = lint(*MAIN)
    assert result.return_value == ExitCode.FAILED
    (line,) = [each for each in result.output.splitlines() if "never triggered" in each]
    assert "18-strategy-definition-main.yaml:97: StrategyDefinition main: " in line
    assert "Approval emits Deploy, for which no stage waits" in line


def test_repairs_are_notes_and_no_mistakes() -> None:
    old = GOOD.replace("stageName: test", "stagename: test")
    assert [(each["severity"], each["line"]) for each in items(old)] == [("note", 15)]
    assert lint("-", stdin=old).return_value == ExitCode.OK
    assert lint("-q", "-", stdin=old).output == "3 resources: no mistakes\n"


def test_what_breaks_the_rules_of_its_kind_is_an_error_at_its_line() -> None:
    (item,) = items(GOOD.replace("playbook: build.yml", "playbook: build.yml, timeout: soon"))
    assert (item["severity"], item["code"], item["line"], item["place"]) == ("error", "invalid", 4, "spec.timeout")


def test_what_refers_to_a_broken_resource_is_not_to_blame() -> None:
    found = items(GOOD.replace("  stageBindings:", "  firstStage: [1]\n  stageBindings:").replace("build.yml", "[]"))
    assert [(each["resource"], each["code"]) for each in found] == [
        ("PlaybookStage build", "invalid"),
        ("StrategyDefinition main", "invalid"),
    ]


def test_text_that_is_no_yaml_is_an_error() -> None:
    result = lint("-", stdin=GOOD + "---\nkind: [\n")
    assert result.return_value == ExitCode.FAILED
    assert "error: stdin:" in result.output


@pytest.mark.parametrize(
    ("broken", "line"),
    [("kind: PlaybookStage\nspec: {playbook: a.b.c\n", 3), ("kind: PlaybookStage\nkind: PlaybookStage\n", 3)],
)
def test_text_that_is_no_yaml_is_not_blamed_on_the_resource_before_it(broken: str, line: int) -> None:
    (item,) = items(f"{STAGE}---\n{broken}")
    assert (item["resource"], item["line"] - STAGE.count("\n")) == ("", line)


def test_nothing_at_all_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert run(["lint", str(tmp_path / "empty.yaml")]) == ExitCode.FAILED
    assert "no resource in it" in capsys.readouterr().err


def test_what_is_not_in_the_files_is_a_warning_and_strict_makes_it_an_error() -> None:
    result = lint("-", stdin=STRATEGY)
    assert result.return_value == ExitCode.OK
    assert result.output.count("warning: stdin:") == 2
    assert "there is no PlaybookStage build in these files" in result.output
    strict = lint("--strict", "-", stdin=STRATEGY)
    assert strict.return_value == ExitCode.FAILED
    assert strict.output.endswith("1 resource: 2 errors\n")


def test_a_trigger_is_held_against_the_strategy_that_it_starts() -> None:
    (item,) = items(GOOD.replace("emit: {name: Start}", "emit: {name: Strat}"))
    assert (item["resource"], item["code"], item["fix"]) == (
        "StrategyTrigger main",
        "starts-nothing",
        "did you mean Start?",
    )


def test_a_trigger_of_no_strategy_is_told_with_the_near_one() -> None:
    (item,) = items(GOOD.replace("strategy: main", "strategy: mian"))
    assert (item["severity"], item["code"], item["fix"]) == ("warning", "missing-strategy", "did you mean main?")


def test_resources_of_other_namespaces_do_not_count() -> None:
    elsewhere = STAGE.replace("{name: build}", "{name: build, namespace: other}")
    found = items("---\n".join([elsewhere, STRATEGY, TRIGGER]))
    assert [each["code"] for each in found] == ["missing-stage", "missing-stage"]
    assert items("---\n".join([elsewhere, STRATEGY, TRIGGER]), "-n", "other") == []


def test_a_kind_that_the_files_declare_is_known() -> None:
    kind = STAGE.replace("PlaybookStage", "StageKind").replace("playbook: build.yml", "kind: LoadTest, playbook: x")
    stage = STAGE.replace("PlaybookStage", "LoadTest").replace("spec: {playbook: build.yml}", "spec: {}")
    strategy = STRATEGY.replace("PlaybookStage", "LoadTest")
    assert items("---\n".join([kind, stage, strategy, TRIGGER])) == []


def test_a_playbook_that_is_not_in_the_project_is_an_error_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "biuld.yml").write_text("[]")
    (item,) = items(GOOD, "--project-dir", str(tmp_path))
    assert (item["code"], item["line"], item["place"]) == ("no-playbook", 4, "spec.playbook")
    assert item["reason"].endswith("(did you mean biuld.yml?)")


def test_a_playbook_that_is_in_the_project_is_none(tmp_path: Path) -> None:
    (tmp_path / "build.yml").write_text("[]")
    assert items(GOOD, "--project-dir", str(tmp_path)) == []


def test_a_resource_that_is_described_twice_is_an_error() -> None:
    (item,) = items(GOOD + "---\n" + STAGE)
    assert (item["code"], item["reason"]) == ("described-twice", "is described twice; the other is stdin:1")


def test_a_run_is_checked_like_a_trigger() -> None:
    run = "apiVersion: kabanero.io/v1alpha1\nkind: StrategyRun\nmetadata: {generateName: x-}\n"
    found = items("---\n".join([GOOD, run + "spec: {strategy: main, variables: [{name: a, value: 1}]}\n"]))
    assert [(each["code"], each["place"]) for each in found] == [("unknown-variable", "spec.variables[0].name")]


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_findings_can_be_read_by_programs(output: str, read: Any) -> None:
    result = lint("-o", output, "-", stdin=GOOD.replace("name: Build, status: Success", "name: Build, status: Succes"))
    said = read(result.output)
    assert result.return_value == ExitCode.FAILED
    assert (said["resources"], said["errors"], said["warnings"], said["notes"]) == (3, 1, 0, 0)
    (item,) = said["items"]
    assert {key: item[key] for key in ("file", "line", "severity", "code", "stage", "fix")} == {
        "file": "-",
        "line": 18,
        "severity": "error",
        "code": "never-with-attributes",
        "stage": "test",
        "fix": "did you mean Success?",
    }
    assert item["trail"][0] == {"kind": "event", "names": ["Start"]}


def test_a_hostile_name_reaches_no_terminal() -> None:
    result = lint("-", stdin=GOOD.replace("name: Build, status: Success", 'name: "\\e[2J", status: Success'))
    assert result.return_value == ExitCode.FAILED
    assert "\x1b" not in result.output
