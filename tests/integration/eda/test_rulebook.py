"""The real ansible-rulebook reacts to a runner's events through our event source."""

from __future__ import annotations

import json
import uuid

from tests.integration.eda.conftest import Rulebook, newest
from tests.support.runner import SECRET, Runner

PLAYED = "PLAY RECAP"
SHIP = "kabanero.events.ship_pushes"


def commits(rulebook: Rulebook) -> list[str]:
    return [note["data"]["commit"] for note in rulebook.notes]


def test_after_a_crash_it_goes_on_from_its_bookmark(rulebook: Rulebook, runner: Runner) -> None:
    source = rulebook.source(topic="SourceRepository", bookmark="bookmark.json", settle=0)
    rulebook.play(source)
    delivery = str(uuid.uuid4())
    runner.push(commit="first", delivery=delivery)
    rulebook.until(lambda: rulebook.notes)
    assert (rulebook.notes[0]["id"], rulebook.notes[0]["data"]["branch"]) == (delivery, "main")
    bookmark = rulebook.folder / "bookmark.json"
    rulebook.until(lambda: bookmark.exists() and json.loads(bookmark.read_text())["sequence"] >= newest(runner))
    rulebook.kill()
    runner.push(commit="second")
    rulebook.play(source)
    rulebook.until(lambda: len(rulebook.notes) > 1)
    assert commits(rulebook) == ["first", "second"]


def test_with_feedback_the_bookmark_follows_what_was_stored(rulebook: Rulebook, runner: Runner) -> None:
    source = rulebook.source(topic="SourceRepository", bookmark="bookmark.json", settle=3600, feedback=True)
    with (rulebook.folder / "vars.yml").open("a") as settings:
        settings.write(f"drools_db_file_path: {rulebook.folder}/events\n")
    rulebook.play(source, "--persistence-id", str(uuid.uuid4()))
    runner.push(commit="first")
    rulebook.until(lambda: rulebook.notes and (rulebook.folder / "bookmark.json").exists())
    assert commits(rulebook) == ["first"]


def test_the_example_starts_one_run_for_a_push_that_is_told_twice(rulebook: Rulebook, runner: Runner) -> None:
    bookmark, delivery = rulebook.folder / "ship.json", str(uuid.uuid4())
    with (rulebook.folder / "vars.yml").open("a") as settings:
        settings.write(f"bookmark: {bookmark}\n")
    bookmark.write_text(json.dumps({"sequence": newest(runner)}))
    runner.push(commit="c5417", delivery=delivery)
    for _ in range(2):
        played = rulebook.log.count(PLAYED)
        rulebook.play(SHIP)
        rulebook.until(lambda played=played: rulebook.log.count(PLAYED) > played)
        rulebook.kill()
    (run,) = [run for run in runner.runs() if run["metadata"]["name"] == f"pushed-{delivery}"]
    assert run["spec"]["variables"] == [{"name": "commit", "value": "c5417"}]
    assert SECRET not in rulebook.log
