"""What triggers can match of a GitHub event: the fields of topic SourceRepository, kind of event by kind of event.

Every event has those of `_common`; a kind that isn't in `_FIELDS` has no more, and its whole body in `rawData`.
The names are the source document's where it has them. Reference: docs/decisions/0020-webhooks.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kabanero.model.repository_events import event_name
from kabanero.sources.github_origin import Origin, part, text
from kabanero.sources.github_refusal import MalformedError

Fields = dict[str, Any]
MAX_REF = 4096
"""Characters in the name of a branch or tag; git can't store longer ones."""

_BRANCH = "refs/heads/"
_TAG = "refs/tags/"


def read_fields(github_event: str, origin: Origin, body: dict[str, Any]) -> Fields:
    """All fields of an event but those of its verification. Raises MalformedError when its main ones are missing."""
    fields = _common(github_event, origin, body)
    read = _FIELDS.get(github_event)
    if read is not None:
        if not origin.repository:
            raise _missing("repository")
        fields.update(read(body))
    return fields


def _common(github_event: str, origin: Origin, body: dict[str, Any]) -> Fields:
    fields: Fields = {
        "repositoryType": "github",
        "eventName": event_name(github_event),
        "user": text(part(body, "sender").get("login")) or text(part(body, "pusher").get("name")),
        # The name alone, as it is used in names of images.
        "repository": origin.repository,
        "owner": origin.owner,
        "fullName": f"{origin.owner}/{origin.repository}" if origin.repository else "",
        "location": origin.location,
    }
    if "action" in body:
        fields["action"] = text(body["action"])
    return fields


def _push(body: dict[str, Any]) -> Fields:
    before, after = text(body.get("before")), text(body.get("after"))
    # GitHub says so; Gitea leaves it to the zeros that git itself has in place of a commit.
    created, deleted = body.get("created") is True or _nothing(before), body.get("deleted") is True or _nothing(after)
    # Of an annotated tag `after` is the tag object; what a stage can build is the commit.
    commit = text(part(body, "head_commit").get("id")) or _required(body, "after", "after")
    return {
        **_ref_fields(_required(body, "ref", "ref")),
        "commit": "" if deleted else commit,
        "before": before,
        "created": created,
        "deleted": deleted,
        "forced": body.get("forced") is True,
    }


def _nothing(commit: str) -> bool:
    return bool(commit) and not commit.strip("0")


def _pull_request(body: dict[str, Any]) -> Fields:
    request = part(body, "pull_request")
    head, base = part(request, "head"), part(request, "base")
    number = body.get("number", request.get("number"))
    if not isinstance(number, int):
        raise _missing("number")
    head_branch = _required(head, "ref", "pull_request.head.ref")
    base_branch = _required(base, "ref", "pull_request.base.ref")
    head_commit = _required(head, "sha", "pull_request.head.sha")
    return {
        "number": number,
        "ref": f"refs/pull/{number}/head",
        # The document filters pull requests by the branch that they are for.
        "branch": base_branch,
        "commit": head_commit,
        "headBranch": head_branch,
        "headCommit": head_commit,
        "headLocation": text(part(head, "repo").get("html_url")),
        "baseBranch": base_branch,
        "baseCommit": text(base.get("sha")),
        "draft": request.get("draft") is True,
        "merged": request.get("merged") is True,
    }


def _created_or_deleted(body: dict[str, Any]) -> Fields:
    prefix = _TAG if body.get("ref_type") == "tag" else _BRANCH
    return _ref_fields(prefix + _required(body, "ref", "ref"))


def _release(body: dict[str, Any]) -> Fields:
    return _ref_fields(_TAG + _required(part(body, "release"), "tag_name", "release.tag_name"))


def _workflow_dispatch(body: dict[str, Any]) -> Fields:
    return _ref_fields(_required(body, "ref", "ref"))


_FIELDS: dict[str, Callable[[dict[str, Any]], Fields]] = {
    "push": _push,
    "pull_request": _pull_request,
    "create": _created_or_deleted,
    "delete": _created_or_deleted,
    "release": _release,
    "workflow_dispatch": _workflow_dispatch,
}
EVENTS = tuple(_FIELDS)
"""GitHub's names of the events that have fields of their own."""


def _ref_fields(ref: str) -> Fields:
    return {
        "ref": ref,
        "branch": ref[len(_BRANCH) :] if ref.startswith(_BRANCH) else "",
        "tag": ref[len(_TAG) :] if ref.startswith(_TAG) else "",
    }


def _required(value: dict[str, Any], key: str, place: str) -> str:
    found = text(value.get(key))
    if not found:
        raise _missing(place)
    if len(found) > MAX_REF:
        raise MalformedError(
            f"{place} is {len(found)} characters long, more than {MAX_REF}", "give the branch or tag a shorter name"
        )
    return found


def _missing(place: str) -> MalformedError:
    return MalformedError(f"{place} is missing", "send the body as GitHub made it, under its own X-GitHub-Event")
