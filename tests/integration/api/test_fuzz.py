"""Whatever is sent, the API answers it by a client's error or a success, and lives on."""

import contextlib

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kabanero.api.access import Tokens, User
from kabanero.api.embedded import EmbeddedApi
from kabanero.api.http import Request as HttpRequest
from kabanero.api.http import Response
from kabanero.api.protobuf import decode
from kabanero.api.status import ApiError
from kabanero.clock import SystemClock
from kabanero.stores.sqlite import SqliteStore

from tests.integration.api.examples import run, stage_kind
from tests.support.api_server import GROUP, TOKEN

WORDS = ["default", "kabanero", "strategyruns", "stagekinds", "secrets", "namespaces", "status", "log", "a", "..", "%"]
TYPES = [
    "application/json",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/vnd.kubernetes.protobuf",
    "",
]
PARAMETERS = [
    "watch",
    "limit",
    "continue",
    "labelSelector",
    "fieldSelector",
    "resourceVersion",
    "resourceVersionMatch",
    "dryRun",
    "fieldValidation",
    "propagationPolicy",
    "timeoutSeconds",
    "sendInitialEvents",
    "includeObject",
    "allowWatchBookmarks",
]
KEYS = ["apiVersion", "kind", "metadata", "spec", "status", "name", "namespace", "labels", "finalizers", "data", "op"]

text = st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | text | st.sampled_from(KEYS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | text, inner, max_size=5),
    max_leaves=20,
)


@st.composite
def resources(draw):
    """A good resource with some of its parts replaced by anything."""
    body = draw(st.sampled_from([run("a"), stage_kind("a"), {"metadata": {"name": "a"}, "data": {"a": "Yg=="}}]))
    body = orjson.loads(orjson.dumps(body))
    for _ in range(draw(st.integers(0, 3))):
        part = (
            body
            if draw(st.booleans())
            else body[draw(st.sampled_from([k for k in body if isinstance(body[k], dict)] or ["metadata"]))]
        )
        if isinstance(part, dict):
            part[draw(st.sampled_from(KEYS) | text)] = draw(values)
    return body


def encoded(value) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return repr(value).encode("utf-8", "replace")


bodies = (
    st.binary(max_size=60)
    | values.map(encoded)
    | resources().map(encoded)
    | st.binary(max_size=40).map(b"k8s\0".__add__)
)
kinds = st.sampled_from(["strategyruns", "stageruns", "stagekinds", "multiplatformbuilds", "playbookstages"])
paths = st.one_of(
    kinds.map(lambda kind: f"{GROUP}/namespaces/default/{kind}"),
    st.tuples(kinds, st.sampled_from(["a", "b", "a/status", "a/log"])).map(
        lambda pair: f"{GROUP}/namespaces/default/{pair[0]}/{pair[1]}"
    ),
    st.sampled_from(
        ["/api/v1/namespaces", "/api/v1/namespaces/default/secrets", "/api/v1/namespaces/default/secrets/a"]
    ),
    st.lists(st.sampled_from(WORDS) | text, max_size=8).map(lambda parts: "/" + "/".join(["apis", *parts])),
    text.map("/".__add__),
)
queries = st.lists(
    st.tuples(st.sampled_from(PARAMETERS), text | st.sampled_from(["true", "1", "All", "a=b", "Strict"])), max_size=4
)
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])


@pytest.fixture
async def app(tmp_path):
    tokens = Tokens()
    tokens.add(TOKEN, User("fuzzer"))
    store = await SqliteStore.open(tmp_path / "store.db", SystemClock())
    api = EmbeddedApi(store, SystemClock(), tokens)
    await api.prepare()
    yield api.app
    await store.close()


def request_of(method: str, path: str, query, content_type: str, body: bytes) -> HttpRequest:
    from urllib.parse import urlencode

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", content_type.encode())]
    encoded_query = urlencode(query, errors="replace").encode()
    scope = {"type": "http", "method": method, "path": path, "query_string": encoded_query, "headers": headers}
    return HttpRequest(scope, receive)


COLLECTIONS = [
    f"{GROUP}/namespaces/default/strategyruns",
    f"{GROUP}/namespaces/default/stagekinds",
    "/api/v1/namespaces/default/secrets",
    "/api/v1/namespaces",
]
items = st.sampled_from(COLLECTIONS).flatmap(lambda path: st.sampled_from([f"{path}/a", f"{path}/a/status"]))
patches = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])},
        optional={
            "path": st.sampled_from(["", "/spec", "/spec/strategy", "/metadata/labels", "/data/-", "/a~1b"]) | text,
            "from": st.sampled_from(["", "/spec", "/metadata"]) | text,
            "value": values,
        },
    ),
    max_size=4,
).map(encoded)
writes = st.one_of(
    st.tuples(st.just("POST"), st.sampled_from(COLLECTIONS), st.just(TYPES[0]), resources().map(encoded)),
    st.tuples(st.just("PUT"), items, st.just(TYPES[0]), resources().map(encoded)),
    st.tuples(st.just("PATCH"), items, st.sampled_from(TYPES[1:4]), resources().map(encoded) | patches),
    st.tuples(st.just("DELETE"), items | st.sampled_from(COLLECTIONS), st.just(TYPES[0]), values.map(encoded)),
)
fuzzed = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def send(app, method, path, query, content_type, body):
    reply = await app.answer(request_of(method, path, query, content_type, body))
    if isinstance(reply, Response):
        assert reply.status < 500 or reply.status == 504, (reply.status, reply.body)
        assert reply.status == 304 or orjson.loads(reply.body) is not None
    else:
        await reply.chunks.aclose()


@fuzzed
@given(methods, paths, queries, st.sampled_from(TYPES), bodies)
async def test_no_request_is_an_internal_error(app, method, path, query, content_type, body):
    await send(app, method, path, query, content_type, body)


@fuzzed
@given(writes, queries)
async def test_no_write_is_an_internal_error(app, write, query):
    method, path, content_type, body = write
    await send(app, method, path, query, content_type, body)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_no_protobuf_is_an_internal_error(body):
    with contextlib.suppress(ApiError):
        decode(b"k8s\0" + body)
