"""What a user is told when the runner can't be reached or doesn't want them."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.integration.cli.world import World


def test_a_runner_that_is_away_is_named_with_the_way_to_start_it(world: World) -> None:
    world.stop()
    done = world.run("get", "runs")
    world.start()
    assert done.code == 4
    assert f"no runner answers at {world.url} (from {world.data}/kubeconfig, context kabanero)" in done.err
    assert f"start it with: kabanero serve --data-dir {world.data}" in done.err


def test_a_wrong_token_names_the_kubeconfig_that_it_came_from(world: World, tmp_path: Path) -> None:
    content = yaml.safe_load((world.data / "kubeconfig").read_text())
    content["users"][0]["user"]["token"] = "wrong"
    (tmp_path / "mine").write_text(yaml.safe_dump(content))
    done = world.run("get", "runs", "--kubeconfig", str(tmp_path / "mine"))
    assert done.code == 4
    assert f"refused the credentials of {tmp_path}/mine, context kabanero" in done.err


def test_the_options_may_stand_before_or_after_the_command(world: World, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert world.run("--kubeconfig", nowhere, "get", "runs").code == 4
    assert world.run("get", "runs", "--kubeconfig", nowhere).code == 4
    assert world.run("--kubeconfig", nowhere, "get", "runs", "--kubeconfig", str(world.data / "kubeconfig")).code == 0


def test_the_namespace_is_that_of_the_option_then_of_the_environment(world: World) -> None:
    said = "no strategyruns in namespace {}\n"
    assert world.run("get", "runs", KABANERO_NAMESPACE="team-a").err == said.format("team-a")
    assert world.run("get", "runs", "-n", "team-b", KABANERO_NAMESPACE="team-a").err == said.format("team-b")


def test_a_reader_that_has_had_enough_is_no_error(world: World) -> None:
    going = world.begin("help", "exit-codes")
    assert going.stdout and going.stderr
    going.stdout.close()
    assert going.wait(20) in (0, 1)
    assert "Traceback" not in going.stderr.read()


def test_version_tells_of_both_sides(world: World) -> None:
    done = world.run("version")
    assert [line.split()[0] for line in done.lines] == ["kabanero", "python", "runner"]
    assert done.lines[2].endswith(world.url)


def test_the_shell_completes_kinds_names_runs_and_commands(world: World) -> None:
    def completed(*words: str) -> list[str]:
        environment = {"_KABANERO_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["kabanero", *words])}
        return world.run(**environment, COMP_CWORD=str(len(words))).out.split()

    assert "plain,approve" in completed("app")
    assert "plain,strategyrun" in completed("get", "strategyr")
    assert "plain,kabanero" in completed("get", "runs", "-n", "kab")
    world.stop()
    assert completed("get", "run") == []
    world.start()
