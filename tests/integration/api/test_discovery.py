"""Discovery and OpenAPI: what clients learn before they speak of any resource."""

import pytest

from tests.integration.api.examples import STAGE_KINDS, stage_kind
from tests.support.api_server import GROUP

AGGREGATED = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
CUSTOM = f"{GROUP}/namespaces/default/multiplatformbuilds"
BUILD = {"metadata": {"name": "b"}, "spec": {"platforms": ["amd64", "arm64"]}}


async def plurals(api) -> set[str]:
    return {entry["name"] for entry in (await api.call("GET", GROUP)).json["resources"]}


async def test_the_server_speaks_a_version_of_kubernetes(api):
    answer = (await api.call("GET", "/version")).json
    assert (answer["major"], answer["gitVersion"].startswith("v1.34")) == ("1", True)


async def test_groups_and_versions_are_listed(api):
    groups = {group["name"] for group in (await api.call("GET", "/apis")).json["groups"]}
    assert groups == {"kabanero.io", "authorization.k8s.io", "authentication.k8s.io"}
    assert (await api.call("GET", "/api")).json["versions"] == ["v1"]


async def test_every_kind_is_found_with_its_status(api):
    assert {"strategyruns", "strategyruns/status", "stageruns", "strategydefinitions"} <= await plurals(api)


async def test_one_answer_can_hold_all_of_discovery(api):
    answer = await api.call("GET", "/apis", headers=AGGREGATED)
    found = {
        resource["resource"]
        for group in answer.json["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }
    assert "strategyruns" in found
    assert "as=APIGroupDiscoveryList" in answer.headers["content-type"]


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3", "/openapi/v3/apis/kabanero.io/v1alpha1"])
async def test_openapi_is_kept_by_clients_by_its_tag(api, path):
    first = await api.call("GET", path)
    again = await api.call("GET", path, headers={"if-none-match": first.headers["etag"]})
    assert (first.status, again.status, again.body) == (200, 304, b"")


async def test_openapi_describes_every_kind(api):
    schemas = (await api.call("GET", "/openapi/v3/apis/kabanero.io/v1alpha1")).json["components"]["schemas"]
    assert any(name.endswith(".StrategyRun") for name in schemas)


async def test_the_index_of_openapi_leads_to_its_documents(api):
    paths = (await api.call("GET", "/openapi/v3")).json["paths"]
    answers = [await api.call("GET", entry["serverRelativeURL"]) for entry in paths.values()]
    assert [answer.status for answer in answers] == [200] * len(paths)


# --- kinds that StageKinds declare ---


async def test_a_declared_kind_is_served_as_soon_as_it_is_declared(api):
    await api.call("POST", STAGE_KINDS, stage_kind())
    made = await api.call("POST", CUSTOM, BUILD)
    assert (made.status, made.json["kind"], made.json["spec"]["platforms"]) == (
        201,
        "MultiPlatformBuild",
        ["amd64", "arm64"],
    )


async def test_a_declared_kind_is_in_discovery_and_openapi(api):
    await api.call("GET", "/openapi/v3/apis/kabanero.io/v1alpha1")
    await api.call("POST", STAGE_KINDS, stage_kind())
    schemas = (await api.call("GET", "/openapi/v3/apis/kabanero.io/v1alpha1")).json["components"]["schemas"]
    assert "multiplatformbuilds" in await plurals(api)
    assert any(name.endswith(".MultiPlatformBuild") for name in schemas)


async def test_a_kind_is_served_no_longer_when_its_declaration_is_gone(api):
    await api.call("POST", STAGE_KINDS, stage_kind())
    await api.call("DELETE", f"{STAGE_KINDS}/mpb")
    assert (await api.call("GET", CUSTOM)).status == 404


async def test_resources_of_a_kind_are_there_again_when_it_is_declared_again(api):
    await api.call("POST", STAGE_KINDS, stage_kind())
    await api.call("POST", CUSTOM, BUILD)
    await api.call("DELETE", f"{STAGE_KINDS}/mpb")
    await api.call("POST", STAGE_KINDS, stage_kind())
    assert (await api.call("GET", f"{CUSTOM}/b")).status == 200


async def test_a_dry_run_declares_nothing(api):
    await api.call("POST", f"{STAGE_KINDS}?dryRun=All", stage_kind())
    assert "multiplatformbuilds" not in await plurals(api)


async def test_a_kind_declared_behind_the_api_is_served_too(api):
    await api.store.create({**stage_kind(), "metadata": {"name": "mpb", "namespace": "default"}})
    while "multiplatformbuilds" not in await plurals(api):
        pass
    assert (await api.call("POST", CUSTOM, BUILD)).status == 201


async def test_exchanging_the_playbook_of_a_built_in_kind_declares_no_kind(api):
    before = await plurals(api)
    body = stage_kind(kind="AppsodyBuild", plural="", controller="playbook", playbook="acme.shop.build")
    answer = await api.call("POST", STAGE_KINDS, body)
    assert (answer.status, await plurals(api)) == (201, before)
