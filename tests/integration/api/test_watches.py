"""watch over HTTP: what comes, in which order, from where on, and how it ends."""

import asyncio

import pytest
from kabanero.stores.sqlite import StoreSettings

from tests.integration.api.examples import CONFIG_MAPS, MERGE, RUNS, TABLE, config_map, run
from tests.integration.api.watching import told, watch
from tests.support.api_server import serve_api


async def newest(api) -> str:
    return (await api.call("GET", f"{RUNS}?limit=1")).json["metadata"]["resourceVersion"]


async def test_a_watch_from_now_on_tells_what_is_made_changed_and_deleted(api):
    async with watch(api, f"{RUNS}?watch=1&resourceVersion={await newest(api)}") as events:
        await api.call("POST", RUNS, run())
        await api.call("PATCH", f"{RUNS}/r1", {"spec": {"cancel": True}}, headers=MERGE)
        await api.call("DELETE", f"{RUNS}/r1")
        assert [told(event) for event in await events.take(3)] == [
            ("ADDED", "r1"),
            ("MODIFIED", "r1"),
            ("DELETED", "r1"),
        ]


@pytest.mark.parametrize("version", ["", "&resourceVersion=0"])
async def test_a_watch_without_a_version_begins_with_what_is_there(api, version):
    await api.call("POST", RUNS, run())
    async with watch(api, f"{RUNS}?watch=1{version}") as events:
        assert told(await events.next()) == ("ADDED", "r1")


async def test_a_watch_goes_on_where_another_ended(api):
    made = (await api.call("POST", RUNS, run("r1"))).json
    await api.call("POST", RUNS, run("r2"))
    async with watch(api, f"{RUNS}?watch=1&resourceVersion={made['metadata']['resourceVersion']}") as events:
        assert told(await events.next()) == ("ADDED", "r2")


async def test_the_end_of_what_is_there_is_marked_when_it_is_asked_for(api):
    await api.call("POST", RUNS, run())
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with watch(api, f"{RUNS}?{query}") as events:
        added, mark = await events.take(2)
    assert (told(added), mark["type"]) == (("ADDED", "r1"), "BOOKMARK")
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert mark["object"]["metadata"]["resourceVersion"] >= added["object"]["metadata"]["resourceVersion"]


async def test_a_watch_sees_only_what_its_selectors_let_through(api):
    async with watch(api, f"{CONFIG_MAPS}?watch=1&labelSelector=team%3Dred") as events:
        await api.call("POST", CONFIG_MAPS, config_map("blue"))
        await api.call("PATCH", f"{CONFIG_MAPS}/blue", {"metadata": {"labels": {"team": "red"}}}, headers=MERGE)
        await api.call("PATCH", f"{CONFIG_MAPS}/blue", {"metadata": {"labels": {"team": "blue"}}}, headers=MERGE)
        assert [told(event) for event in await events.take(2)] == [("ADDED", "blue"), ("DELETED", "blue")]


async def test_one_resource_is_watched_by_its_name(api):
    async with watch(api, f"{RUNS}?watch=1&fieldSelector=metadata.name%3Dr2") as events:
        await api.call("POST", RUNS, run("r1"))
        await api.call("POST", RUNS, run("r2"))
        assert told(await events.next()) == ("ADDED", "r2")


async def test_a_watch_ends_after_its_time(api):
    async with watch(api, f"{RUNS}?watch=1&timeoutSeconds=1") as events:
        assert await events.next() is None


async def test_rows_come_as_tables_and_only_the_first_describes_its_columns(api):
    async with watch(api, f"{RUNS}?watch=1", TABLE["accept"]) as events:
        await api.call("POST", RUNS, run("r1"))
        await api.call("POST", RUNS, run("r2"))
        first, second = await events.take(2)
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "r2"


async def test_a_version_that_is_forgotten_is_told_in_the_stream(tmp_path, certificate):
    forgetful = StoreSettings(history_seconds=0, history_changes=1)
    async with serve_api(tmp_path, certificate, forgetful) as api:
        old = (await api.call("POST", RUNS, run("r0"))).json["metadata"]["resourceVersion"]
        for name in ("r1", "r2", "r3"):
            await api.call("POST", RUNS, run(name))
        await api.store.compact()
        async with watch(api, f"{RUNS}?watch=1&resourceVersion={old}") as events:
            event = await events.next()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_a_version_that_the_store_never_came_to_is_told_in_the_stream(api):
    async with watch(api, f"{RUNS}?watch=1&resourceVersion=99999999") as events:
        event = await events.next()
    assert (event["object"]["code"], "list again" in event["object"]["message"]) == (410, True)


async def test_open_watches_end_in_order_when_the_server_closes(api):
    async with watch(api, f"{RUNS}?watch=1") as events:
        await asyncio.to_thread(lambda: None)
        while not api.api.app.replies.open_streams:
            await asyncio.sleep(0)
        api.api.close()
        assert await events.next() is None


async def test_a_watch_ends_when_its_client_goes(api):
    async with watch(api, f"{RUNS}?watch=1"):
        pass
    async with asyncio.timeout(5):
        while api.api.app.replies.open_streams:
            await asyncio.sleep(0)


async def test_many_changes_arrive_without_a_gap(api):
    made = [f"r{number:03}" for number in range(60)]
    async with watch(api, f"{RUNS}?watch=1&resourceVersion={await newest(api)}") as events:
        await asyncio.gather(*(api.call("POST", RUNS, run(name)) for name in made))
        seen = {told(event)[1] for event in await events.take(len(made))}
    assert seen == set(made)
