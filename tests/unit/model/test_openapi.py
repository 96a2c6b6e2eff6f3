"""What kubectl looks for in the documents. That it finds it is tested with the real kubectl against the server."""

import orjson
import pytest
from kabanero.model.kinds.custom import custom_kind
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.openapi import openapi_v2, openapi_v3, openapi_v3_index

OURS = "kabanero.io", "v1alpha1"
CUSTOM = custom_kind({"metadata": {"name": "load-test"}, "spec": {"kind": "LoadTest", "plural": "loadtests"}})
BASE = "/apis/kabanero.io/v1alpha1/namespaces/{namespace}"


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def parameters(operation):
    return {parameter["name"] for parameter in operation["parameters"]}


@pytest.mark.parametrize("group", [OURS, ("", "v1")])
def test_every_reference_of_version_3_leads_somewhere(group):
    document = openapi_v3(*group, [CUSTOM])
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= schemas


def test_every_reference_of_version_2_leads_somewhere():
    document = openapi_v2([CUSTOM])
    assert set(references(document)) <= {f"#/definitions/{name}" for name in document["definitions"]}


@pytest.mark.parametrize("kind", sorted(BY_KIND))
def test_each_kind_is_found_by_its_group_version_and_kind(kind):
    schemas = openapi_v3(*OURS)["components"]["schemas"]
    wanted = [{"group": "kabanero.io", "version": "v1alpha1", "kind": kind}]
    assert [name for name, schema in schemas.items() if schema.get("x-kubernetes-group-version-kind") == wanted] == [
        f"io.kabanero.v1alpha1.{kind}"
    ]


@pytest.mark.parametrize(
    ("path", "action"), [("strategyruns", "post"), ("strategyruns/{name}", "patch"), ("strategyruns/{name}", "put")]
)
def test_writing_takes_dry_run_and_field_validation(path, action):
    operation = openapi_v3(*OURS)["paths"][f"{BASE}/{path}"][action]
    assert {"dryRun", "fieldValidation", "fieldManager"} <= parameters(operation)


def test_listing_takes_selectors_pages_and_watches():
    operation = openapi_v3(*OURS)["paths"][f"{BASE}/stageruns"]["get"]
    assert {"labelSelector", "fieldSelector", "limit", "continue", "watch", "resourceVersion"} <= parameters(operation)


def test_kinds_are_listed_across_namespaces_too():
    assert "get" in openapi_v3(*OURS)["paths"]["/apis/kabanero.io/v1alpha1/strategyruns"]


def test_kinds_without_status_have_no_status_path():
    assert "/api/v1/namespaces/{namespace}/secrets/{name}/status" not in openapi_v3("", "v1")["paths"]


def test_a_declared_kind_is_described_like_the_others():
    document = openapi_v3(*OURS, [CUSTOM])
    assert document["components"]["schemas"]["io.kabanero.v1alpha1.LoadTest"]["properties"]["spec"][
        "x-kubernetes-preserve-unknown-fields"
    ]
    assert f"{BASE}/loadtests" in document["paths"]


def test_the_index_names_a_document_for_each_group():
    paths = openapi_v3_index()["paths"]
    assert set(paths) == {"api/v1", "apis/kabanero.io/v1alpha1"}
    assert paths["api/v1"]["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=")


def test_the_hash_changes_with_the_kinds_and_only_then():
    ours = "apis/kabanero.io/v1alpha1"
    assert openapi_v3_index()["paths"] == openapi_v3_index()["paths"]
    assert openapi_v3_index()["paths"][ours] != openapi_v3_index([CUSTOM])["paths"][ours]
    assert openapi_v3_index()["paths"]["api/v1"] == openapi_v3_index([CUSTOM])["paths"]["api/v1"]


def test_documents_are_plain_json():
    assert orjson.loads(orjson.dumps(openapi_v2([CUSTOM]))) == openapi_v2([CUSTOM])


@pytest.mark.parametrize(("group", "strategic"), [(OURS, False), (("", "v1"), True)])
def test_only_core_kinds_take_strategic_merge_patches(group, strategic):
    paths = openapi_v3(*group)["paths"]
    bodies = [path["patch"]["requestBody"]["content"] for path in paths.values() if "patch" in path]
    assert {"application/strategic-merge-patch+json" in body for body in bodies} == {strategic}


def test_owners_are_merged_by_their_uid():
    meta = openapi_v3("", "v1")["components"]["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]
    assert meta["properties"]["ownerReferences"]["x-kubernetes-patch-merge-key"] == "uid"
