"""What the API server's refusals become."""

from __future__ import annotations

import pytest
from kabanero.kubernetes.answers import error_of, missing_kind, retry_after, status_of
from kabanero.kubernetes.requests import Request
from kabanero.model.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    KindMissingError,
    NotFoundError,
    Problem,
    StoreUnavailableError,
)
from kabanero.model.kinds.core import SECRET
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import ResourceType

REQUEST = Request("update", STAGE_RUN.type, "team", "a", "status")
RUNNER = "system:serviceaccount:k:runner"
RBAC = f'stageruns.kabanero.io "a" is forbidden: User "{RUNNER}" cannot update resource "stageruns/status"'


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (404, {"details": {"name": "a", "kind": "stageruns"}}, NotFoundError),
        (404, {"message": "404 page not found"}, KindMissingError),
        (409, {"reason": "AlreadyExists"}, AlreadyExistsError),
        (409, {"reason": "Conflict"}, ConflictError),
        (410, {"reason": "Expired"}, ExpiredError),
        (401, {}, ForbiddenError),
        (403, {}, ForbiddenError),
        (400, {}, InvalidError),
        (413, {}, InvalidError),
        (422, {}, InvalidError),
        (429, {}, StoreUnavailableError),
        (500, {}, StoreUnavailableError),
        (503, {}, StoreUnavailableError),
        (504, {}, StoreUnavailableError),
        (504, {"details": {"causes": [{"reason": "ResourceVersionTooLarge"}]}}, ExpiredError),
    ],
)
def test_each_refusal_has_its_type(code, status, expected):
    assert type(error_of(REQUEST, code, status)) is expected


def test_a_missing_right_is_named_with_the_rule_that_grants_it():
    error = error_of(REQUEST, 403, {"message": RBAC})
    assert str(error) == (
        f"{RUNNER} may not update stageruns/status in namespace team: give it a role with the rule "
        '{apiGroups: ["kabanero.io"], resources: ["stageruns/status"], verbs: ["update"]}'
    )
    assert (error.verb, error.resource, error.namespace) == ("update", "stageruns/status", "team")


def test_a_refusal_by_admission_keeps_the_servers_sentence():
    text = 'stageruns "a" is forbidden: exceeded quota: small'
    assert str(error_of(REQUEST, 403, {"message": text})) == f"update stageruns/status team/a: {text}"


def test_every_field_that_is_wrong_is_a_problem():
    causes = [{"field": "spec.a", "message": "Required value"}, {"field": "spec.b", "message": "must be text"}]
    error = error_of(REQUEST, 422, {"details": {"causes": causes}})
    assert error.problems == (Problem("spec.a", "Required value"), Problem("spec.b", "must be text"))


def test_fields_that_the_server_does_not_know_are_named_with_what_may_be_behind_it():
    text = 'strict decoding error: unknown field "spec.x", unknown field "y"'
    problems = error_of(REQUEST, 400, {"message": text}).problems
    assert [each.path for each in problems] == ["spec.x", "y"]
    assert all("older definitions" in each.fix for each in problems)


def test_a_field_that_can_not_be_selected_by_is_named():
    (problem,) = error_of(REQUEST, 400, {"message": "field label not supported: status.phase"}).problems
    assert problem.path == "status.phase" and "older definitions" in problem.fix


def test_a_missing_kind_is_named_with_what_installs_it():
    assert "stageruns.kabanero.io is missing or older; install it: kubectl apply" in str(missing_kind(STAGE_RUN.type))
    theirs = ResourceType("example.com", "v1", "Thing", "things", "thing")
    assert "config/crds" not in str(missing_kind(theirs)) and "things.example.com" in str(missing_kind(theirs))
    assert "CustomResourceDefinition" not in str(missing_kind(SECRET))


@pytest.mark.parametrize(
    ("code", "status", "headers", "expected"),
    [
        (429, {}, {"Retry-After": "7"}, 7.0),
        (429, {"details": {"retryAfterSeconds": 2}}, {}, 2.0),
        (429, {}, {}, 1.0),
        (429, {}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1.0),
        (503, {}, {"Retry-After": "1"}, 1.0),
        (503, {}, {}, None),
        (504, {"details": {"retryAfterSeconds": 1}}, {}, None),
        (500, {}, {"Retry-After": "1"}, None),
    ],
)
def test_a_request_is_sent_again_only_where_the_server_says_so_and_has_done_nothing(code, status, headers, expected):
    assert retry_after(code, status, headers) == expected


@pytest.mark.parametrize("body", [b"404 page not found\n", b"", b"[]", b'{"kind": "Other"}', b"\xff\xfe<html>"])
def test_an_answer_that_is_no_status_still_says_something(body):
    assert status_of(body).keys() == {"message"}
