"""What people do at a real forge reaches a real runner as the events that triggers are written for."""

from __future__ import annotations

import time

from tests.integration.forge.conftest import SECONDS, Clone
from tests.testbed.forge import ADMIN

NOTHING = "0" * 40


def test_a_push_starts_a_run_with_its_commit(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    commit = clone.git("rev-parse", "HEAD")
    deadline = time.monotonic() + SECONDS
    while not (
        runs := [
            run for run in clone.runner.runs() if run["spec"]["variables"] == [{"name": "commit", "value": commit}]
        ]
    ):
        assert time.monotonic() < deadline, clone.runner.runs()
        time.sleep(0.1)
    assert len(runs) == 1


def test_a_push_tells_branch_commit_and_who(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    event = clone.event(eventName="Push")
    expected = {"branch": "main", "tag": "", "ref": "refs/heads/main", "commit": clone.git("rev-parse", "HEAD")}
    expected |= {"user": ADMIN, "location": f"{clone.forge.url}/{clone.repository}", "before": NOTHING, "created": True}
    assert event.items() >= expected.items()


def test_a_branch_may_have_slashes(clone: Clone) -> None:
    clone.git("push", "origin", "main:feature/one/two")
    assert clone.event(eventName="Push")["branch"] == "feature/one/two"


def test_a_forced_push_tells_what_was_there_before(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    before = clone.git("rev-parse", "HEAD")
    clone.git("commit", "--amend", "--allow-empty", "--message", "another first")
    clone.git("push", "--force", "origin", "main")
    after = clone.git("rev-parse", "HEAD")
    assert clone.event(eventName="Push", commit=after)["before"] == before


def test_an_annotated_tag_tells_its_commit(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    clone.git("tag", "--annotate", "v1.0", "--message", "the first release")
    clone.git("push", "origin", "v1.0")
    event = clone.event(eventName="Push", tag="v1.0")
    assert (event["branch"], event["commit"]) == ("", clone.git("rev-parse", "HEAD"))


def test_a_light_tag_tells_its_commit(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    clone.git("tag", "v1.1")
    clone.git("push", "origin", "v1.1")
    assert clone.event(eventName="Push", tag="v1.1")["commit"] == clone.git("rev-parse", "HEAD")


def test_a_new_tag_is_created_too(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    clone.git("tag", "v1.2")
    clone.git("push", "origin", "v1.2")
    assert clone.event(eventName="Create", tag="v1.2")["ref"] == "refs/tags/v1.2"


def test_a_deleted_branch_is_told_as_deleted(clone: Clone) -> None:
    clone.git("push", "origin", "main", "main:old")
    clone.git("push", "origin", "--delete", "old")
    assert clone.event(eventName="Delete", branch="old")["ref"] == "refs/heads/old"


def test_a_pull_request_tells_both_its_sides(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    base = clone.git("rev-parse", "HEAD")
    head = clone.commit("a change")
    clone.git("push", "origin", "HEAD:change")
    number = clone.propose("change")
    event = clone.event(eventName="PullRequest", action="opened")
    expected = {"number": number, "branch": "main", "baseBranch": "main", "baseCommit": base}
    expected |= {"headBranch": "change", "headCommit": head, "commit": head, "draft": False, "merged": False}
    assert event.items() >= expected.items()


def test_a_merged_pull_request_is_told_as_merged(clone: Clone) -> None:
    clone.git("push", "origin", "main")
    clone.commit("a change")
    clone.git("push", "origin", "HEAD:change")
    number = clone.propose("change")
    merge = {"Do": "merge", "force_merge": True}
    clone.forge.ask("POST", f"/repos/{clone.repository}/pulls/{number}/merge", merge)
    assert clone.event(eventName="PullRequest", action="closed")["merged"] is True
