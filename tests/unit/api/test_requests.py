"""What a request is about: paths, verbs, selectors, accepted forms."""

import pytest
from kabanero.api.catalog import Catalog
from kabanero.api.http import Request
from kabanero.api.negotiation import Form, wanted_form
from kabanero.api.status import ApiError
from kabanero.api.targets import find_selector, find_target, find_verb
from kabanero.model.kinds.core import NAMESPACE, SECRET
from kabanero.model.kinds.registry import STRATEGY_RUN


def request(method="GET", path="/", query=b"", **headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": pairs}
    return Request(scope, None)


RUNS = "/apis/kabanero.io/v1alpha1"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/v1/namespaces", (NAMESPACE, "", "", "")),
        ("/api/v1/namespaces/n", (NAMESPACE, "", "n", "")),
        ("/api/v1/namespaces/n/status", (NAMESPACE, "", "n", "status")),
        ("/api/v1/namespaces/n/secrets", (SECRET, "n", "", "")),
        ("/api/v1/namespaces/n/secrets/s", (SECRET, "n", "s", "")),
        ("/api/v1/secrets", (SECRET, "", "", "")),
        (f"{RUNS}/strategyruns", (STRATEGY_RUN.type, "", "", "")),
        (f"{RUNS}/namespaces/n/strategyruns/r/status", (STRATEGY_RUN.type, "n", "r", "status")),
    ],
)
def test_a_path_names_type_namespace_name_and_subresource(path, found):
    target = find_target(path, Catalog())
    assert (target.type, target.namespace, target.name, target.subresource) == found


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/apis/kabanero.io/v1alpha1",
        "/api/v2/namespaces",
        "/apis/kabanero.io/v9/strategyruns",
        f"{RUNS}/pods",
        f"{RUNS}/strategyruns/without-namespace",
        f"{RUNS}/namespaces/n/strategyruns/r/status/deeper",
        f"{RUNS}/namespaces/n/strategyruns//status",
        "/apis/other.io/v1/namespaces/n/secrets",
        "/api/v1/namespaces/n/namespaces/m",
    ],
)
def test_other_paths_name_nothing(path):
    assert find_target(path, Catalog()) is None


@pytest.mark.parametrize(
    ("method", "path", "query", "verb"),
    [
        ("GET", "/api/v1/namespaces/n", b"", "get"),
        ("GET", "/api/v1/namespaces/n", b"watch=true", "get"),
        ("HEAD", "/api/v1/namespaces", b"", "list"),
        ("GET", "/api/v1/namespaces", b"watch=1", "watch"),
        ("GET", "/api/v1/namespaces", b"watch=false", "list"),
        ("POST", "/api/v1/namespaces", b"", "create"),
        ("POST", "/api/v1/namespaces/n", b"", None),
        ("PUT", "/api/v1/namespaces/n", b"", "update"),
        ("PUT", "/api/v1/namespaces", b"", None),
        ("PATCH", "/api/v1/namespaces/n", b"", "patch"),
        ("DELETE", "/api/v1/namespaces/n", b"", "delete"),
        ("DELETE", "/api/v1/namespaces", b"", "deletecollection"),
        ("BREW", "/api/v1/namespaces/n", b"", None),
    ],
)
def test_method_and_path_make_the_verb(method, path, query, verb):
    assert find_verb(request(method, path, query), find_target(path, Catalog())) == verb


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (b"fieldSelector=status.phse%3DRunning", "did you mean status.phase"),
        (b"fieldSelector=spec.variables%3D1", "field label not supported: spec.variables"),
        (b"labelSelector=a%20b%20c", "unable to parse requirement"),
    ],
)
def test_a_selector_that_cannot_be_is_a_bad_request(query, says):
    with pytest.raises(ApiError, match=says) as caught:
        find_selector(request(query=query), STRATEGY_RUN.type)
    assert caught.value.code == 400


def test_of_a_repeated_parameter_the_first_counts():
    assert request(query=b"limit=1&limit=2").query["limit"] == "1"


def test_too_many_parameters_are_a_bad_request():
    with pytest.raises(ApiError):
        _ = request(query=b"a=1&" * 200).query


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.OBJECT),
        ("*/*", Form.OBJECT),
        ("application/json", Form.OBJECT),
        ("application/vnd.kubernetes.protobuf,application/json", Form.OBJECT),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Form.TABLE),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Form.OBJECT),
        ("application/json; as=PartialObjectMetadata; g=meta.k8s.io; v=v1", Form.METADATA),
        ("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", Form.DISCOVERY),
    ],
)
def test_the_first_form_that_we_have_is_taken(accept, form):
    assert wanted_form(accept) is form


@pytest.mark.parametrize("accept", ["application/vnd.kubernetes.protobuf", "text/csv", "application/json;as=Pie"])
def test_forms_that_we_do_not_have_are_not_acceptable(accept):
    with pytest.raises(ApiError) as caught:
        wanted_form(accept)
    assert caught.value.code == 406
