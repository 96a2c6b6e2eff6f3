"""The filter github_event beside the runner's own reading of webhooks: two programs that must say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kabanero.events.plugins.filter.github_event import github_event
from kabanero.sources.github_fields import EVENTS, read_fields
from kabanero.sources.github_origin import read_origin

SAMPLES = Path(__file__).parents[2] / "data" / "github"
REPOSITORY = {"name": "shop", "full_name": "acme/shop", "html_url": "https://github.com/acme/shop"}
BODIES: dict[str, dict[str, Any]] = {
    "push": {"ref": "refs/heads/main", "before": "0" * 40, "after": "a" * 40, "head_commit": {"id": "a" * 40}},
    "push of a tag": {"ref": "refs/tags/v1", "before": "b" * 40, "after": "a" * 40, "forced": True},
    "push that deletes": {"ref": "refs/heads/old", "before": "b" * 40, "after": "0" * 40, "deleted": True},
    "pull_request": {
        "action": "opened",
        "number": 7,
        "pull_request": {
            "draft": True,
            "head": {"ref": "fix", "sha": "c" * 40, "repo": {"html_url": "https://github.com/me/shop"}},
            "base": {"ref": "main", "sha": "d" * 40},
        },
    },
    "create": {"ref": "v1", "ref_type": "tag"},
    "delete": {"ref": "old", "ref_type": "branch"},
    "release": {"action": "published", "release": {"tag_name": "v1"}},
    "workflow_dispatch": {"ref": "refs/heads/main"},
    "check_run": {"action": "completed"},
}


def as_the_runner_does(event: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**read_fields(event, read_origin(body), body), "rawData": body}


@pytest.mark.parametrize("name", BODIES)
def test_it_says_what_the_runner_says(name: str) -> None:
    body = {"repository": REPOSITORY, "sender": {"login": "champ"}, **BODIES[name]}
    event = name.split(maxsplit=1)[0]
    assert github_event(body, event) == as_the_runner_does(event, body)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_it_says_the_same_of_what_forges_have_sent(path: Path) -> None:
    body = json.loads(path.read_text())
    event = path.stem.removesuffix("_deleted").removesuffix("_tag").removesuffix("_organization")
    assert github_event(body, event) == as_the_runner_does(event, body)


def test_it_reads_the_same_kinds_of_events() -> None:
    from ansible_collections.kabanero.events.plugins.filter.github_event import FIELDS

    assert tuple(FIELDS) == EVENTS


@pytest.mark.parametrize(("payload", "event"), [("text", "push"), ({}, ""), ([], "push")])
def test_what_is_no_webhook_is_refused(payload: Any, event: str) -> None:
    with pytest.raises(AnsibleFilterError):
        github_event(payload, event)
