"""From a verified delivery to the events of topic SourceRepository."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.events import Event
from kabanero.model.repository_events import event_name
from kabanero.sources.github import make_events, read_delivery, read_headers
from kabanero.sources.github_fields import MAX_REF
from kabanero.sources.github_keys import Grant
from kabanero.sources.github_refusal import MalformedError

from tests.support.github import body_of, headers_for, payload, raw

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SHARED = Grant("", "kabanero/hello")


def events_of(body: bytes, event: str = "push", *grants: Grant, **headers: str) -> list[Event]:
    delivery = read_delivery(read_headers(raw(headers_for(body, event, **headers))), body)
    return make_events(delivery, grants or (SHARED,), instance="kabanero", now=NOW)


def event_of(name: str, event: str = "push", **changes: Any) -> Event:
    return events_of(body_of(name, **changes), event)[0]


def fields(event: Event, *names: str) -> tuple[Any, ...]:
    return tuple(event.data.get(name, "absent") for name in names)


def test_an_event_is_identified_by_host_and_delivery() -> None:
    (event,) = events_of(body_of("push"), x_github_delivery="72d3162e")

    assert event.identity == "github/github.com#72d3162e"


def test_an_event_lies_on_its_repositorys_path() -> None:
    event = event_of("push")

    assert (event.topic, event.path) == ("SourceRepository", "/kabanero/repository/github/github.com/Acme/hello-world")


def test_the_cloudevents_type_is_githubs_event_and_action() -> None:
    assert event_of("push").type == "com.github.push"
    assert event_of("pull_request", "pull_request").type == "com.github.pull_request.synchronize"


def test_a_push_has_the_documents_fields() -> None:
    event = event_of("push")

    assert fields(event, "repositoryType", "eventName", "user") == ("github", "Push", "ada")
    assert fields(event, "repository", "owner", "fullName") == ("hello-world", "Acme", "Acme/hello-world")
    assert event.data["location"] == "https://github.com/Acme/hello-world"


def test_a_push_to_a_branch_names_branch_and_commit() -> None:
    event = event_of("push")

    assert fields(event, "ref", "branch", "tag") == ("refs/heads/feature/ä", "feature/ä", "")
    assert event.data["commit"] == payload("push")["after"]
    assert fields(event, "created", "deleted", "forced") == (False, False, True)


def test_a_pushed_tag_names_the_tag_and_the_commit_that_it_stands_for() -> None:
    event = event_of("push_tag")

    assert fields(event, "branch", "tag", "created") == ("", "v1.0.0", True)
    assert event.data["commit"] == payload("push_tag")["head_commit"]["id"]


def test_a_deleted_branch_has_no_commit() -> None:
    event = event_of("push_deleted")

    assert fields(event, "branch", "deleted", "commit") == ("old", True, "")
    assert event.data["before"] == payload("push_deleted")["before"]


def test_zeros_before_tell_that_the_push_made_the_branch() -> None:
    event = event_of("push", before="0" * 40, created=None)

    assert fields(event, "created", "deleted") == (True, False)


def test_zeros_after_tell_that_the_push_deleted_the_branch() -> None:
    event = event_of("push", after="0" * 40, head_commit=None, deleted=None)

    assert fields(event, "created", "deleted", "commit") == (False, True, "")


def test_a_pull_request_names_both_branches_and_the_commit_to_test() -> None:
    event = event_of("pull_request", "pull_request")

    assert fields(event, "eventName", "action", "number") == ("PullRequest", "synchronize", 12)
    assert fields(event, "headBranch", "baseBranch", "branch") == ("fix/a+b", "main", "main")
    assert event.data["headCommit"] == event.data["commit"] == payload("pull_request")["pull_request"]["head"]["sha"]
    assert event.data["headLocation"] == "https://github.com/eve/hello-world"


@pytest.mark.parametrize(("ref_type", "branch", "tag"), [("branch", "v1", ""), ("tag", "", "v1")])
def test_a_created_ref_is_a_branch_or_a_tag(ref_type: str, branch: str, tag: str) -> None:
    assert fields(event_of("issues", "create", ref="v1", ref_type=ref_type), "branch", "tag") == (branch, tag)


def test_a_release_names_its_tag() -> None:
    assert event_of("issues", "release", release={"tag_name": "v1"}).data["tag"] == "v1"


def test_an_event_without_fields_of_its_own_is_kept_with_its_body() -> None:
    event = event_of("issues", "issues")

    assert fields(event, "eventName", "action", "repository") == ("Issues", "opened", "hello-world")
    assert event.data["rawData"] == payload("issues")


def test_an_event_of_an_organisation_has_no_repository() -> None:
    event = event_of("ping_organization", "ping")

    assert event.path == "/kabanero/repository/github/github.com/Acme"
    assert fields(event, "eventName", "owner", "repository") == ("Ping", "Acme", "")


def test_the_body_goes_into_the_event_as_the_bytes_that_came() -> None:
    body = b' {"zen" : 1.10,\n "organization":{"login":"a"} ,"zen":2 }'
    (event,) = events_of(body, "ping")

    assert event.payload.endswith(b',"rawData":' + body + b"}")


def test_a_form_gives_the_same_data_as_json() -> None:
    from urllib.parse import urlencode

    form = urlencode({"payload": body_of("push")}).encode()
    (event,) = events_of(form, content_type="application/x-www-form-urlencoded")

    assert event.data == event_of("push").data


def test_the_verifying_source_and_its_namespace_are_recorded() -> None:
    (event,) = events_of(body_of("push"), "push", Grant("team", "team/hello"))

    assert fields(event, "namespace", "eventSource") == ("team", "team/hello")


def test_each_namespace_gets_an_event_of_its_own_identity() -> None:
    grants = Grant("team-a", "team-a/x"), Grant("team-b", "team-b/y")
    events = events_of(body_of("push"), "push", *grants, x_github_delivery="1")

    assert [event.identity for event in events] == ["github/github.com/team-a#1", "github/github.com/team-b#1"]
    assert [event.data["namespace"] for event in events] == ["team-a", "team-b"]


def test_a_body_cannot_choose_its_namespace() -> None:
    event = event_of("push", namespace="other", eventSource="other/x")

    assert fields(event, "namespace", "eventSource") == ("", "kabanero/hello")


HOSTILE = [
    "{{ lookup('pipe','touch /tmp/x') }}",
    "$(touch x)",
    "`x`",
    "a'; drop table events; --",
    '"}',
    "日本/ä\u202e",
]


@pytest.mark.parametrize("branch", HOSTILE)
def test_a_hostile_branch_name_stays_text(branch: str) -> None:
    assert event_of("push", ref=f"refs/heads/{branch}").data["branch"] == branch


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable() or "\x00" in text))
def test_any_branch_name_comes_through_unchanged(branch: str) -> None:
    assert event_of("push", ref=f"refs/heads/{branch}").data["branch"] == branch


@pytest.mark.parametrize(
    ("event", "changes", "place"),
    [
        ("push", {"ref": None}, "ref"),
        ("push", {"ref": 5}, "ref"),
        ("push", {"after": None, "head_commit": None}, "after"),
        ("push", {"repository": None}, "repository"),
        ("pull_request", {"number": None}, "number"),
        ("pull_request", {"number": 1}, "pull_request.head.ref"),
        ("create", {"ref": ""}, "ref"),
        ("release", {"release": {}}, "release.tag_name"),
    ],
)
def test_a_main_field_that_is_missing_is_named(event: str, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(MalformedError, match=f"^{place} is missing"):
        event_of("push", event, **changes)


def test_a_branch_name_of_a_megabyte_is_refused() -> None:
    with pytest.raises(MalformedError, match=f"ref is 1048587 characters long, more than {MAX_REF}"):
        event_of("push", ref="refs/heads/" + "x" * 1_048_576)


@pytest.mark.parametrize(
    ("github", "name"), [("push", "Push"), ("pull_request", "PullRequest"), ("projects_v2_item", "ProjectsV2Item")]
)
def test_event_names_are_in_camel_case(github: str, name: str) -> None:
    assert event_name(github) == name


def test_a_payload_is_json_whatever_the_raw_bytes_were() -> None:
    assert orjson.loads(event_of("push").payload)["rawData"] == payload("push")
