"""How requests are addressed."""

from __future__ import annotations

import pytest
from kabanero.kubernetes.requests import Request
from kabanero.model.errors import InvalidError, NotFoundError
from kabanero.model.kinds.core import NAMESPACE, SECRET
from kabanero.model.kinds.registry import STAGE_RUN

OURS = "/apis/kabanero.io/v1alpha1"


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (Request("get", STAGE_RUN.type, "team", "a"), f"{OURS}/namespaces/team/stageruns/a"),
        (Request("update", STAGE_RUN.type, "team", "a", "status"), f"{OURS}/namespaces/team/stageruns/a/status"),
        (Request("list", STAGE_RUN.type), f"{OURS}/stageruns"),
        (Request("create", STAGE_RUN.type, "team"), f"{OURS}/namespaces/team/stageruns"),
        (Request("get", SECRET, "team", "a"), "/api/v1/namespaces/team/secrets/a"),
        (Request("get", NAMESPACE, "", "team"), "/api/v1/namespaces/team"),
        (Request("list", SECRET, query={"a": "b,c=d", "e": ""}), "/api/v1/secrets?a=b%2Cc%3Dd"),
    ],
)
def test_a_request_has_kubernetes_path(request_, path):
    assert request_.path() == path


@pytest.mark.parametrize("name", ["a/b", "../b", "a?b=c", "a#b", "a%2fb", "ä b"])
def test_no_name_reaches_out_of_its_place(name):
    path = Request("get", SECRET, "team", name).path()
    assert path.startswith("/api/v1/namespaces/team/secrets/") and path.count("/") == 6
    assert not set("?# ") & set(path)


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_is_a_step_is_never_there(name):
    with pytest.raises(NotFoundError):
        Request("delete", SECRET, "team", name).path()


@pytest.mark.parametrize(("namespace", "name", "missing"), [("team", "", "name"), ("", "a", "namespace")])
def test_a_name_that_is_missing_never_means_all(namespace, name, missing):
    with pytest.raises(InvalidError, match=f"metadata.{missing}"):
        Request("delete", SECRET, namespace, name).path()
