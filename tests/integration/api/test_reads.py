"""get and list over HTTP: selectors, pages, tables, metadata only."""

import pytest
from kabanero.api import reads

from tests.integration.api.examples import (
    METADATA,
    METADATA_LIST,
    NAMESPACES,
    RUNS,
    SECRETS,
    TABLE,
    namespace,
    run,
    secret,
)
from tests.support.api_server import GROUP


async def names(api, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await api.call("GET", path)).json["items"]]


@pytest.fixture
async def runs(api):
    for name, team in (("a", "red"), ("b", "blue"), ("c", "red"), ("d", "green"), ("e", "red")):
        body = run(name)
        body["metadata"]["labels"] = {"team": team}
        await api.call("POST", RUNS, body)


async def test_a_list_names_its_kind_and_version(api, runs):
    answer = (await api.call("GET", RUNS)).json
    assert (answer["kind"], answer["apiVersion"]) == ("StrategyRunList", "kabanero.io/v1alpha1")
    assert int(answer["metadata"]["resourceVersion"]) > 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("labelSelector=team%3Dred", ["a", "c", "e"]),
        ("labelSelector=team%20in%20(red,blue)", ["a", "b", "c", "e"]),
        ("labelSelector=!team", []),
        ("fieldSelector=metadata.name%3Db", ["b"]),
        ("fieldSelector=spec.strategy%3Dmain", ["a", "b", "c", "d", "e"]),
        ("fieldSelector=spec.strategy!%3Dmain", []),
        ("labelSelector=team%3Dred&fieldSelector=metadata.name!%3Da", ["c", "e"]),
    ],
)
async def test_selectors_choose(api, runs, query, found):
    assert await names(api, f"{RUNS}?{query}") == found


async def test_pages_follow_each_other_and_show_one_state(api, runs):
    first = (await api.call("GET", f"{RUNS}?limit=2")).json
    await api.call("DELETE", f"{RUNS}/d")
    second = (await api.call("GET", f"{RUNS}?limit=3&continue={first['metadata']['continue']}")).json
    assert [item["metadata"]["name"] for item in first["items"] + second["items"]] == ["a", "b", "c", "d", "e"]
    assert first["metadata"]["remainingItemCount"] == 3
    assert "continue" not in second["metadata"]


@pytest.mark.parametrize("accept", [{}, TABLE, METADATA_LIST])
async def test_a_long_list_without_a_limit_is_whole_though_it_goes_out_in_pieces(api, runs, accept, monkeypatch):
    monkeypatch.setattr(reads, "PAGE", 2)
    answer = (await api.call("GET", RUNS, headers=accept)).json
    rows = answer["rows"] if accept is TABLE else answer["items"]
    found = [row["object"] if accept is TABLE else row for row in rows]
    assert [each["metadata"]["name"] for each in found] == ["a", "b", "c", "d", "e"]


async def test_all_namespaces_are_listed_where_none_is_named(api, runs):
    await api.call("POST", NAMESPACES, namespace("team"))
    await api.call("POST", RUNS.replace("default", "team"), run("z"))
    assert await names(api, f"{GROUP}/strategyruns") == ["a", "b", "c", "d", "e", "z"]


async def test_the_namespaces_that_everybody_expects_are_there(api):
    assert await names(api, NAMESPACES) == ["default", "kabanero"]


async def test_metadata_alone_leaves_the_rest_out(api, runs):
    one = (await api.call("GET", f"{RUNS}/a", headers=METADATA)).json
    many = (await api.call("GET", RUNS, headers=METADATA_LIST)).json
    assert set(one) == {"kind", "apiVersion", "metadata"}
    assert (many["kind"], {item["kind"] for item in many["items"]}) == (
        "PartialObjectMetadataList",
        {"PartialObjectMetadata"},
    )


async def test_a_table_of_secrets_holds_no_secret(api):
    await api.call("POST", SECRETS, secret(stringData={"password": "hunter2"}))
    answer = await api.call("GET", SECRETS, headers=TABLE)
    assert answer.json["rows"][0]["cells"][:3] == ["s", "Opaque", 1]
    assert b"aHVudGVyMg" not in answer.body


async def test_an_exact_version_is_served_while_it_is_the_newest(api, runs):
    version = (await api.call("GET", RUNS)).json["metadata"]["resourceVersion"]
    answer = await api.call("GET", f"{RUNS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert (answer.status, len(answer.json["items"])) == (200, 5)


async def test_head_answers_like_get_without_a_body(api, runs):
    answer = await api.call("HEAD", f"{RUNS}/a")
    assert (answer.status, answer.body) == (200, b"")
