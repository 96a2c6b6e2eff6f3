"""`apply`, `get` and `delete` against the real API server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.world import STRATEGY, Story, World, resource

DOCUMENT = Path(__file__).parents[2] / "data" / "document"
STAGE = resource("PlaybookStage", "build", {"playbook": "acme.ci.build"})


def write(folder: Path, name: str, *resources: object) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(yaml.safe_dump(each) for each in resources))
    return str(path)


class TestApply:
    def test_says_what_was_created_what_was_changed_and_what_was_not(self, world: World, tmp_path: Path) -> None:
        file = write(tmp_path, "a.yaml", STAGE, STRATEGY)
        assert world.run("apply", "-f", file).lines == [
            "playbookstage/build created",
            "strategydefinition/main created",
        ]
        write(tmp_path, "a.yaml", resource("PlaybookStage", "build", {"playbook": "acme.ci.other"}), STRATEGY)
        again = world.run("apply", "-f", file)
        assert again.lines == ["playbookstage/build configured", "strategydefinition/main unchanged"]
        assert world.get("playbookstages", "build")["spec"] == {"playbook": "acme.ci.other"}

    def test_leaves_playbooks_in_folders_alone(self, world: World, tmp_path: Path) -> None:
        write(tmp_path, "strategy.yaml", STRATEGY)
        (tmp_path / "build.yml").write_text("# A playbook.\n---\n- hosts: localhost\n  tasks: []\n")
        assert world.run("apply", "-f", str(tmp_path)).lines == ["strategydefinition/main created"]

    def test_takes_folders_with_all_that_is_below_them(self, world: World, tmp_path: Path) -> None:
        write(tmp_path, "set/stages/a.yml", STAGE)
        write(tmp_path, "set/main.yaml", STRATEGY)
        write(tmp_path, "set/.hidden/b.yaml", resource("PlaybookStage", "hidden", {"playbook": "a.b.c"}))
        assert len(world.run("apply", str(tmp_path / "set")).lines) == 2

    def test_reads_stdin(self, world: World) -> None:
        assert world.run("apply", "-f", "-", stdin=json.dumps(STAGE)).lines == ["playbookstage/build created"]

    def test_goes_on_after_a_mistake_and_names_its_place_and_fix(self, world: World, tmp_path: Path) -> None:
        bad = resource("PlaybookStage", "bad", {"playbook": "a.b.c", "timeout": "soon"})
        file = write(tmp_path, "a.yaml", bad, STAGE)
        done = world.run("apply", "-f", file)
        assert done.code == 5
        assert done.lines == ["playbookstage/bad failed", "playbookstage/build created"]
        assert f"error: {file}:8: spec.timeout: is not a length of time such as 90s" in done.err

    def test_text_that_is_no_yaml_keeps_no_good_resource_back(self, world: World, tmp_path: Path) -> None:
        file = write(tmp_path, "a.yaml", STAGE)
        with Path(file).open("a") as text:
            text.write("---\nkind: PlaybookStage\nspec: {playbook: a.b.c\n")
        done = world.run("apply", "-f", file)
        assert (done.code, done.lines) == (5, ["playbookstage/build created"])
        assert "a map that begins with { is not closed: spec: {playbook: a.b.c" in done.err

    def test_mistakes_of_a_strategy_are_told_with_their_lines_and_keep_nothing_back(
        self, world: World, tmp_path: Path
    ) -> None:
        for name in ("fvt", "svt", "approval", "deploy"):
            world.create(resource("PlaybookStage", name, {"playbook": "a.b.c"}))
        wrong = json.loads(json.dumps(STRATEGY).replace("Deploy_approval", "Deploy_aproval", 1))
        file = write(tmp_path, "a.yaml", STAGE, wrong)
        done = world.run("apply", "-f", file)
        assert (done.code, done.lines[1]) == (0, "strategydefinition/main created")
        line = Path(file).read_text().splitlines().index("        name: Deploy_approval") + 1
        (told,) = [each for each in done.err.splitlines() if each.startswith("error: ")]
        assert told.startswith(f"error: {file}:{line}: StrategyDefinition main: spec.stageBindings[4]")
        assert told.endswith("(did you mean Deploy_aproval?)")

    def test_a_strategy_without_mistakes_is_applied_silently(self, world: World, tmp_path: Path) -> None:
        for name in ("fvt", "svt", "approval", "deploy"):
            world.create(resource("PlaybookStage", name, {"playbook": "a.b.c"}))
        assert world.run("apply", "-f", write(tmp_path, "a.yaml", STAGE, STRATEGY)).err == ""

    def test_a_dry_run_changes_nothing(self, world: World, tmp_path: Path) -> None:
        done = world.run("apply", "--dry-run", "-f", write(tmp_path, "a.yaml", STAGE))
        assert done.lines == ["playbookstage/build created (dry run)"]
        assert world.run("get", "playbookstage", "build").code == 3

    def test_the_source_documents_strategy_is_repaired_and_every_repair_is_told(self, world: World) -> None:
        file = str(DOCUMENT / "18-strategy-definition-main.yaml")
        done = world.run("apply", "-f", file)
        assert (done.code, done.lines) == (0, ["strategydefinition/main created"])
        assert f"note: {file}:33: attributge -> attribute" in done.err

    def test_labels_of_others_stay(self, world: World, tmp_path: Path) -> None:
        world.create(resource("PlaybookStage", "build", {"playbook": "a.b.c"}, labels={"theirs": "1"}))
        ours = resource("PlaybookStage", "build", {"playbook": "a.b.c"}, labels={"ours": "1"})
        assert world.run("apply", "-f", write(tmp_path, "a.yaml", ours)).lines == ["playbookstage/build configured"]
        assert world.get("playbookstages", "build")["metadata"]["labels"] == {"ours": "1", "theirs": "1"}

    def test_a_status_is_left_to_the_runner(self, world: World, tmp_path: Path) -> None:
        world.create(STRATEGY)
        world.set_status("strategydefinitions", "main", {"digest": "sha256:1"})
        assert world.run("apply", "-f", write(tmp_path, "a.yaml", STRATEGY)).lines == [
            "strategydefinition/main unchanged"
        ]
        assert world.get("strategydefinitions", "main")["status"] == {"digest": "sha256:1"}

    def test_a_kind_may_be_declared_and_used_at_once(self, world: World, tmp_path: Path) -> None:
        kind = resource("StageKind", "cf", {"kind": "CloudStage", "controller": "external"})
        stage = resource("CloudStage", "mine", {})
        done = world.run("apply", "-f", write(tmp_path, "a.yaml", stage, kind))
        assert done.lines == ["stagekind/cf created", "cloudstage/mine created"]

    def test_the_results_come_as_json(self, world: World, tmp_path: Path) -> None:
        done = world.run("apply", "-o", "json", "-f", write(tmp_path, "a.yaml", STAGE))
        assert json.loads(done.out) == {"items": [{"name": "playbookstage/build", "result": "created"}]}

    @pytest.mark.parametrize(
        ("content", "said"),
        [(b"kind: [", "1: "), (b"\xff\xfe", "is not UTF-8"), (b"", "no resource"), (b"- 1", "must be a map")],
    )
    def test_what_is_no_resource_is_refused_with_its_file(
        self, world: World, tmp_path: Path, content: bytes, said: str
    ) -> None:
        (tmp_path / "a.yaml").write_bytes(content)
        done = world.run("apply", "-f", str(tmp_path / "a.yaml"))
        assert done.code in (2, 5)
        assert said in done.err
        assert "Traceback" not in done.err

    def test_a_file_that_is_not_there_is_answered_with_the_near_one(self, world: World, tmp_path: Path) -> None:
        write(tmp_path, "strategy.yaml", STAGE)
        done = world.run("apply", "-f", str(tmp_path / "stratgy.yaml"))
        assert (done.code, "did you mean" in done.err) == (2, True)

    def test_a_folder_that_is_not_there_is_named(self, world: World, tmp_path: Path) -> None:
        done = world.run("apply", "-f", str(tmp_path / "nowhere" / "strategy.yaml"))
        assert (done.code, f"there is no folder {tmp_path}/nowhere here" in done.err) == (2, True)

    def test_a_file_that_resembles_none_is_answered_with_those_that_are_there(
        self, world: World, tmp_path: Path
    ) -> None:
        write(tmp_path, "strategy.yaml", STAGE)
        done = world.run("apply", "-f", str(tmp_path / "all.yaml"))
        assert (done.code, f"in {tmp_path} there are: strategy.yaml" in done.err) == (2, True)


class TestGet:
    @pytest.fixture(autouse=True)
    def _made(self, world: World) -> None:
        world.create(STRATEGY, STAGE, resource("PlaybookStage", "test", {"playbook": "a.b.test"}, labels={"x": "1"}))

    @pytest.mark.parametrize("word", ["playbookstage", "playbookstages", "PlaybookStage", "playbookstages.kabanero.io"])
    def test_a_kind_goes_by_many_names(self, world: World, word: str) -> None:
        assert world.run("get", word).lines[0].startswith("NAME    PLAYBOOK")

    def test_a_summary_is_shown_whole_on_a_narrow_terminal(self, world: World) -> None:
        Story(world).begin().write("Running", summary="3/5 stages; waiting for approval: Approval in production")
        lines = world.on_terminal(60, "get", "runs")
        words = " ".join(line[lines[0].index("SUMMARY") : lines[0].index("AGE")].strip() for line in lines[1:])
        assert words.strip() == "3/5 stages; waiting for approval: Approval in production"
        assert max(map(len, lines)) <= 60

    def test_short_names_are_the_servers(self, world: World) -> None:
        assert world.run("get", "sd").lines[1].startswith("main")

    def test_names_choose(self, world: World) -> None:
        assert world.run("get", "playbookstage", "test", "-o", "name").lines == ["playbookstage/test"]

    def test_labels_choose(self, world: World) -> None:
        assert world.run("get", "playbookstage", "-l", "x=1", "-o", "name").lines == ["playbookstage/test"]

    def test_one_object_comes_as_it_is_and_several_as_a_list(self, world: World) -> None:
        one = json.loads(world.run("get", "playbookstage", "test", "-o", "json").out)
        assert (one["kind"], one["spec"]) == ("PlaybookStage", {"playbook": "a.b.test"})
        many = yaml.safe_load(world.run("get", "playbookstage", "-o", "yaml").out)
        assert [item["metadata"]["name"] for item in many["items"]] == ["build", "test"]

    def test_several_kinds_come_one_after_the_other(self, world: World) -> None:
        done = world.run("get", "sd,playbookstages", "-o", "name")
        assert done.lines == ["strategydefinition/main", "playbookstage/build", "playbookstage/test"]

    def test_all_shows_what_there_is(self, world: World) -> None:
        lines = world.run("get", "all").lines
        assert [line for line in lines if line in ("StrategyDefinition", "PlaybookStage", "StrategyRun")] == [
            "StrategyDefinition",
            "PlaybookStage",
        ]

    def test_all_namespaces_have_a_column_of_their_own(self, world: World) -> None:
        assert world.run("get", "sd", "-A").lines[1].split()[:2] == ["kabanero", "main"]

    def test_nothing_there_is_said_and_is_no_error(self, world: World) -> None:
        done = world.run("get", "runs")
        assert (done.code, done.out, done.err) == (0, "", "no strategyruns in namespace kabanero\n")

    def test_a_near_name_is_offered_for_a_wrong_one(self, world: World) -> None:
        done = world.run("get", "playbookstage", "biuld")
        assert (done.code, "did you mean build?" in done.err) == (3, True)

    def test_a_near_kind_is_offered_for_a_wrong_one(self, world: World) -> None:
        done = world.run("get", "stratgies")
        assert (done.code, "did you mean strategies?" in done.err) == (3, True)

    def test_a_watch_goes_on_with_changes(self, world: World) -> None:
        going = world.begin("get", "playbookstage", "--watch")
        assert going.stdout
        assert [going.stdout.readline()[:5] for _ in range(3)] == ["NAME ", "build", "test "]
        world.create(resource("PlaybookStage", "third", {"playbook": "a.b.c"}))
        assert going.stdout.readline().startswith("third   a.b.c")
        going.kill()
        going.wait()


class TestDelete:
    @pytest.fixture(autouse=True)
    def _made(self, world: World) -> None:
        world.create(STAGE, resource("PlaybookStage", "test", {"playbook": "a.b.test"}, labels={"x": "1"}))

    def left(self, world: World) -> list[str]:
        return world.run("get", "playbookstage", "-o", "name").lines

    def test_by_name(self, world: World) -> None:
        assert world.run("delete", "playbookstage", "build").lines == ["playbookstage/build deleted"]
        assert self.left(world) == ["playbookstage/test"]

    def test_by_file(self, world: World, tmp_path: Path) -> None:
        world.run("delete", "-f", write(tmp_path, "a.yaml", STAGE))
        assert self.left(world) == ["playbookstage/test"]

    def test_by_label(self, world: World) -> None:
        world.run("delete", "playbookstage", "-l", "x=1")
        assert self.left(world) == ["playbookstage/build"]

    def test_a_dry_run_deletes_nothing(self, world: World) -> None:
        world.run("delete", "playbookstage", "--all", "--dry-run")
        assert len(self.left(world)) == 2

    def test_what_is_not_there_is_an_error_and_the_rest_goes(self, world: World) -> None:
        done = world.run("delete", "playbookstage", "tset", "build")
        assert (done.code, done.lines) == (3, ["playbookstage/build deleted"])
        assert "did you mean test?" in done.err

    def test_unless_that_is_all_right(self, world: World) -> None:
        assert world.run("delete", "playbookstage", "gone", "--ignore-not-found").code == 0

    def test_all_of_a_kind_must_be_asked_for(self, world: World) -> None:
        assert world.run("delete", "playbookstage").code == 2
        assert len(self.left(world)) == 2
