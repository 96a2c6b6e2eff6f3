"""Every refusal is a Status with Kubernetes' code and reason, and says what would help."""

import pytest

from tests.integration.api.examples import (
    JSON_PATCH,
    MERGE,
    NAMESPACES,
    RUNS,
    SECRETS,
    STAGE_KINDS,
    STRATEGIC,
    namespace,
    run,
    secret,
    stage_kind,
)
from tests.support.api_server import GROUP

BIG = b'{"metadata": {"name": "' + b"x" * (4 * 1024 * 1024) + b'"}}'
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "code", "reason"),
    [
        ("GET", f"{RUNS}/none", None, {}, 404, "NotFound"),
        ("GET", f"{GROUP}/nonsense", None, {}, 404, "NotFound"),
        ("GET", "/nowhere", None, {}, 404, "NotFound"),
        ("GET", f"{RUNS}/r1/log/deeper", None, {}, 404, "NotFound"),
        ("GET", f"{RUNS}/r1/scale", None, {}, 404, "NotFound"),
        ("POST", RUNS, run(), {}, 409, "AlreadyExists"),
        ("POST", RUNS, b"{", {}, 400, "BadRequest"),
        ("POST", RUNS, b"\xff\xfe", {}, 400, "BadRequest"),
        ("POST", RUNS, DEEP, {}, 400, "BadRequest"),
        ("POST", RUNS, [], {}, 400, "BadRequest"),
        ("POST", RUNS, {"metadata": 5}, {}, 400, "BadRequest"),
        ("POST", RUNS, BIG, {}, 413, "RequestEntityTooLarge"),
        ("POST", RUNS, run("Not_Legal"), {}, 422, "Invalid"),
        ("POST", RUNS, {**run("r2"), "kind": "StageRun"}, {}, 400, "BadRequest"),
        ("POST", RUNS, {**run("r2"), "metadata": {"name": "r2", "namespace": "other"}}, {}, 400, "BadRequest"),
        ("POST", RUNS, {**run("r2"), "metadata": {"name": "r2", "resourceVersion": "5"}}, {}, 400, "BadRequest"),
        ("POST", RUNS, {**run("r2"), "spec": {}}, {}, 422, "Invalid"),
        ("POST", RUNS.replace("default", "nowhere"), run(), {}, 404, "NotFound"),
        ("POST", f"{GROUP}/strategyruns", run("r2"), {}, 400, "BadRequest"),
        ("POST", f"{RUNS}?dryRun=Some", run("r2"), {}, 400, "BadRequest"),
        ("POST", f"{RUNS}?fieldValidation=Lax", run("r2"), {}, 400, "BadRequest"),
        ("POST", RUNS, run("r2"), {"content-type": "application/yaml"}, 415, "UnsupportedMediaType"),
        ("POST", RUNS, run("r2"), {"content-encoding": "gzip"}, 415, "UnsupportedMediaType"),
        ("POST", SECRETS, b"k8s\x00\xff", {"content-type": "application/vnd.kubernetes.protobuf"}, 415, "Unsupported"),
        ("POST", SECRETS, secret(data={"a": "no base64!"}), {}, 422, "Invalid"),
        ("POST", NAMESPACES, namespace("Not.Legal"), {}, 422, "Invalid"),
        ("PUT", f"{RUNS}/r1", run(), {}, 422, "Invalid"),
        ("PUT", f"{RUNS}/r1", {**run(), "metadata": {"resourceVersion": "1"}}, {}, 409, "Conflict"),
        ("PUT", f"{RUNS}/none", {**run("none"), "metadata": {"resourceVersion": "1"}}, {}, 404, "NotFound"),
        ("PUT", f"{RUNS}/r1", run("another"), {}, 400, "BadRequest"),
        ("PUT", RUNS, run(), {}, 405, "MethodNotAllowed"),
        ("PATCH", f"{RUNS}/r1", {}, {}, 415, "UnsupportedMediaType"),
        ("PATCH", f"{RUNS}/r1", {}, STRATEGIC, 415, "UnsupportedMediaType"),
        ("PATCH", f"{RUNS}/r1", {"metadata": {"resourceVersion": "1"}}, MERGE, 409, "Conflict"),
        ("PATCH", f"{RUNS}/r1", {"metadata": {"uid": "other"}}, MERGE, 409, "Conflict"),
        ("PATCH", f"{RUNS}/r1", {"spec": 5}, MERGE, 422, "Invalid"),
        ("PATCH", f"{RUNS}/r1", None, JSON_PATCH, 400, "BadRequest"),
        ("PATCH", f"{RUNS}/r1", [{"op": "remove", "path": "/nope"}], JSON_PATCH, 422, "Invalid"),
        ("PATCH", f"{RUNS}/none", {}, MERGE, 404, "NotFound"),
        ("DELETE", f"{RUNS}/none", None, {}, 404, "NotFound"),
        ("DELETE", f"{RUNS}/r1", {"kind": "Pod"}, {}, 400, "BadRequest"),
        ("DELETE", f"{RUNS}/r1?propagationPolicy=Never", None, {}, 400, "BadRequest"),
        ("DELETE", f"{NAMESPACES}/default", None, {}, 403, "Forbidden"),
        ("DELETE", NAMESPACES, None, {}, 403, "Forbidden"),
        ("GET", f"{RUNS}?limit=some", None, {}, 400, "BadRequest"),
        ("GET", f"{RUNS}?continue=nonsense", None, {}, 400, "BadRequest"),
        ("GET", f"{RUNS}?resourceVersion=999999", None, {}, 504, "Timeout"),
        ("GET", f"{RUNS}?resourceVersion=1&resourceVersionMatch=Exact", None, {}, 410, "Expired"),
        ("GET", f"{RUNS}?resourceVersionMatch=Exact", None, {}, 400, "BadRequest"),
        ("GET", f"{RUNS}?fieldSelector=status.phse%3DRunning", None, {}, 400, "BadRequest"),
        ("GET", f"{RUNS}?labelSelector=" + "a," * 5000, None, {}, 400, "BadRequest"),
        ("GET", f"{RUNS}?watch=1&sendInitialEvents=true", None, {}, 400, "BadRequest"),
        ("GET", RUNS, None, {"accept": "application/vnd.kubernetes.protobuf"}, 406, "NotAcceptable"),
        ("POST", "/version", None, {}, 405, "MethodNotAllowed"),
        ("BREW", RUNS, None, {}, 400, ""),
    ],
)
async def test_a_request_that_cannot_be_is_refused_by_kubernetes_own_words(
    api, method, path, body, headers, code, reason
):
    await api.call("POST", RUNS, run())
    answer = await api.call(method, path, body, headers=headers)
    assert answer.status == code, answer.body
    if reason:
        assert answer.json["kind"] == "Status"
        assert answer.json["code"] == code
        assert answer.json["reason"].startswith(reason)


async def test_every_wrong_field_is_a_cause_with_its_place(api):
    answer = await api.call("POST", RUNS, run("r1", strategy=5, cancel="maybe"))
    causes = {cause["field"]: cause["message"] for cause in answer.json["details"]["causes"]}
    assert set(causes) == {"spec.strategy", "spec.cancel"}


async def test_a_mistyped_field_is_named_with_the_one_that_was_meant(api):
    answer = await api.call("POST", f"{RUNS}?fieldValidation=Strict", run(cancle=True))
    assert answer.status == 400
    assert 'unknown field "spec.cancle"' in answer.json["message"]
    assert "did you mean cancel?" in answer.json["message"]


async def test_unknown_fields_are_dropped_with_a_warning_by_default(api):
    answer = await api.call("POST", RUNS, run(cancle=True))
    assert "did you mean cancel?" in answer.headers["warning"]
    assert "cancle" not in answer.json["spec"]


async def test_unknown_fields_are_dropped_in_silence_when_they_are_to_be_ignored(api):
    answer = await api.call("POST", f"{RUNS}?fieldValidation=Ignore", run(cancle=True))
    assert "warning" not in answer.headers
    assert "cancle" not in answer.json["spec"]


async def test_a_missing_namespace_comes_with_the_command_that_makes_it(api):
    answer = await api.call("POST", RUNS.replace("default", "nowhere"), run())
    assert "kubectl create namespace nowhere" in answer.json["message"]


async def test_server_side_apply_is_refused_with_the_way_out(api):
    answer = await api.call("PATCH", f"{RUNS}/r1", run(), headers={"content-type": "application/apply-patch+yaml"})
    assert answer.status == 415
    assert "without --server-side" in answer.json["message"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"plural": "strategyruns"}, "built-in kind"),
        ({"kind": "Secret"}, "a kind of Kubernetes itself"),
        ({"kind": "Other"}, "the plural of MultiPlatformBuild already"),
    ],
)
async def test_a_kind_that_could_not_be_served_is_not_taken(api, spec, says):
    await api.call("POST", STAGE_KINDS, stage_kind())
    answer = await api.call("POST", STAGE_KINDS, stage_kind("second", **spec))
    assert answer.status == 422
    assert says in answer.json["message"]


# --- who may do what ---


@pytest.mark.parametrize("path", [RUNS, "/api", "/apis", "/version", "/openapi/v2", "/nowhere"])
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_nothing_is_answered_without_a_token(api, path, token):
    answer = await api.call("GET", path, token=token)
    assert (answer.status, answer.json["reason"]) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", RUNS, 200), ("POST", RUNS, 403), ("DELETE", f"{RUNS}/r1", 403), ("GET", SECRETS, 403)],
)
async def test_a_viewer_reads_all_but_secrets_and_writes_nothing(api, method, path, code):
    token = api.api.tokens.issue("vic", read_only=True)
    answer = await api.call(method, path, run() if method == "POST" else None, token=token)
    assert answer.status == code


async def test_a_body_that_is_far_too_large_is_refused_in_words_though_its_sender_goes_on(api):
    answer = await api.call("POST", RUNS, b" " * 30_000_000)
    assert (answer.status, answer.json["reason"]) == (413, "RequestEntityTooLarge")
    assert answer.headers["connection"] == "close"
