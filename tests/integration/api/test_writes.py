"""create, update, patch and delete over HTTP, as Kubernetes' own API answers them."""

import base64

import pytest

from tests.integration.api.examples import (
    CONFIG_MAPS,
    JSON_PATCH,
    MERGE,
    NAMESPACES,
    RUNS,
    SECRETS,
    STAGE_RUNS,
    STRATEGIC,
    config_map,
    namespace,
    run,
    secret,
    stage_run,
)


async def test_a_created_resource_comes_back_with_its_identity(api):
    answer = await api.call("POST", RUNS, run())
    meta = answer.json["metadata"]
    assert answer.status == 201
    assert meta["uid"] and meta["resourceVersion"] and meta["creationTimestamp"] and meta["generation"] == 1


async def test_what_was_written_comes_back_as_it_was_written(api):
    spec = {"strategy": "main", "variables": [{"name": "n", "value": "ü ☃", "extra": {"a": [1, 2.5, None, True]}}]}
    await api.call("POST", RUNS, {**run(), "spec": spec})
    assert (await api.call("GET", f"{RUNS}/r1")).json["spec"] == spec


async def test_kind_and_version_may_be_left_to_the_url(api):
    body = {key: value for key, value in run().items() if key not in ("kind", "apiVersion")}
    answer = await api.call("POST", RUNS, body)
    assert (answer.json["kind"], answer.json["apiVersion"]) == ("StrategyRun", "kabanero.io/v1alpha1")


async def test_a_status_in_a_new_resource_is_dropped(api):
    answer = await api.call("POST", RUNS, {**run(), "status": {"phase": "Succeeded"}})
    assert "status" not in answer.json


async def test_a_name_can_be_left_to_the_server(api):
    body = {**run(), "metadata": {"generateName": "push-"}}
    assert (await api.call("POST", RUNS, body)).json["metadata"]["name"].startswith("push-")


async def test_a_dry_run_answers_like_the_real_one_and_stores_nothing(api):
    answer = await api.call("POST", f"{RUNS}?dryRun=All", run())
    assert (answer.status, (await api.call("GET", f"{RUNS}/r1")).status) == (201, 404)


async def test_an_update_writes_the_spec_and_counts_the_generation(api):
    made = (await api.call("POST", RUNS, run())).json
    answer = await api.call("PUT", f"{RUNS}/r1", {**made, "spec": {**made["spec"], "cancel": True}})
    assert (answer.json["spec"]["cancel"], answer.json["metadata"]["generation"]) == (True, 2)


async def test_an_update_leaves_the_status_as_it_is(api):
    made = (await api.call("POST", RUNS, run())).json
    made = (await api.call("PUT", f"{RUNS}/r1/status", {**made, "status": {"phase": "Running"}})).json
    answer = await api.call("PUT", f"{RUNS}/r1", {**made, "status": {"phase": "Failed"}})
    assert answer.json["status"] == {"phase": "Running"}


async def test_a_status_update_leaves_the_spec_as_it_is(api):
    made = (await api.call("POST", RUNS, run())).json
    body = {**made, "spec": {"strategy": "other"}, "status": {"phase": "Running"}}
    answer = await api.call("PUT", f"{RUNS}/r1/status", body)
    assert (answer.json["spec"]["strategy"], answer.json["status"]["phase"]) == ("main", "Running")


async def test_a_status_can_be_patched(api):
    await api.call("POST", RUNS, run())
    answer = await api.call("PATCH", f"{RUNS}/r1/status", {"status": {"phase": "Running"}}, headers=MERGE)
    assert answer.json["status"] == {"phase": "Running"}


async def test_a_merge_patch_changes_only_what_it_names(api):
    await api.call("POST", RUNS, run(variables=[{"name": "a", "value": "b"}]))
    answer = await api.call("PATCH", f"{RUNS}/r1", {"spec": {"cancel": True}}, headers=MERGE)
    assert answer.json["spec"] == {"strategy": "main", "variables": [{"name": "a", "value": "b"}], "cancel": True}


async def test_a_json_patch_carries_its_operations_out(api):
    await api.call("POST", RUNS, run())
    patch = [
        {"op": "test", "path": "/spec/strategy", "value": "main"},
        {"op": "add", "path": "/metadata/labels", "value": {"team": "blue"}},
    ]
    answer = await api.call("PATCH", f"{RUNS}/r1", patch, headers=JSON_PATCH)
    assert answer.json["metadata"]["labels"] == {"team": "blue"}


async def test_a_core_kind_takes_strategic_patches(api):
    await api.call("POST", CONFIG_MAPS, config_map(data={"a": "1", "b": "2"}))
    answer = await api.call("PATCH", f"{CONFIG_MAPS}/c", {"data": {"a": None, "c": "3"}}, headers=STRATEGIC)
    assert answer.json["data"] == {"b": "2", "c": "3"}


async def test_patches_without_a_version_win_over_each_other_field_by_field(api):
    import asyncio

    await api.call("POST", CONFIG_MAPS, config_map())
    patches = [api.call("PATCH", f"{CONFIG_MAPS}/c", {"data": {f"k{n}": "v"}}, headers=MERGE) for n in range(4)]
    answers = await asyncio.gather(*patches)
    assert [answer.status for answer in answers] == [200] * 4
    assert len((await api.call("GET", f"{CONFIG_MAPS}/c")).json["data"]) == 4


async def test_a_deletion_tells_that_it_is_gone(api):
    await api.call("POST", RUNS, run())
    answer = await api.call("DELETE", f"{RUNS}/r1")
    assert (answer.json["kind"], answer.json["status"], answer.json["details"]["name"]) == ("Status", "Success", "r1")
    assert (await api.call("GET", f"{RUNS}/r1")).status == 404


async def test_a_finalizer_holds_a_deleted_resource_until_it_is_taken_away(api):
    body = run()
    body["metadata"]["finalizers"] = ["test.io/hold"]
    await api.call("POST", RUNS, body)
    held = await api.call("DELETE", f"{RUNS}/r1")
    await api.call("PATCH", f"{RUNS}/r1", {"metadata": {"finalizers": None}}, headers=MERGE)
    assert held.json["metadata"]["deletionTimestamp"]
    assert (await api.call("GET", f"{RUNS}/r1")).status == 404


@pytest.mark.parametrize("where", ["query", "body"])
async def test_a_dry_deletion_deletes_nothing(api, where):
    await api.call("POST", RUNS, run())
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]} if where == "body" else None
    answer = await api.call("DELETE", f"{RUNS}/r1" + ("?dryRun=All" if where == "query" else ""), body)
    assert (answer.status, (await api.call("GET", f"{RUNS}/r1")).status) == (200, 200)


@pytest.mark.parametrize("preconditions", [{"uid": "another"}, {"resourceVersion": "1"}])
async def test_a_deletion_with_preconditions_that_do_not_hold_is_a_conflict(api, preconditions):
    await api.call("POST", RUNS, run())
    assert (await api.call("DELETE", f"{RUNS}/r1", {"preconditions": preconditions})).status == 409


async def test_a_collection_is_deleted_by_selector(api):
    for name, team in (("a", "red"), ("b", "blue"), ("c", "red")):
        body = run(name)
        body["metadata"]["labels"] = {"team": team}
        await api.call("POST", RUNS, body)
    deleted = (await api.call("DELETE", f"{RUNS}?labelSelector=team%3Dred")).json["items"]
    left = (await api.call("GET", RUNS)).json["items"]
    assert ([i["metadata"]["name"] for i in deleted], [i["metadata"]["name"] for i in left]) == (["a", "c"], ["b"])


# --- secrets, namespaces ---


async def test_string_data_of_a_secret_is_folded_into_data(api):
    await api.call("POST", SECRETS, secret(stringData={"token": "ünsafe"}, data={"old": "eA=="}))
    stored = (await api.call("GET", f"{SECRETS}/s")).json
    assert "stringData" not in stored
    assert (stored["type"], stored["data"]["old"]) == ("Opaque", "eA==")
    assert base64.b64decode(stored["data"]["token"]).decode() == "ünsafe"


async def test_a_namespace_goes_with_all_that_lives_in_it(api):
    await api.call("POST", NAMESPACES, namespace("team"))
    inside = RUNS.replace("default", "team")
    await api.call("POST", inside, run())
    await api.call("DELETE", f"{NAMESPACES}/team")
    while (await api.call("GET", f"{NAMESPACES}/team")).status != 404:
        pass
    assert (await api.call("GET", inside)).json["items"] == []


async def test_nothing_new_comes_into_a_namespace_that_is_being_deleted(api):
    await api.call("POST", NAMESPACES, namespace("team"))
    held = run()
    held["metadata"]["finalizers"] = ["test.io/hold"]
    inside = RUNS.replace("default", "team")
    await api.call("POST", inside, held)
    await api.call("DELETE", f"{NAMESPACES}/team")
    answer = await api.call("POST", inside, run("late"))
    assert (answer.status, answer.json["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")


# --- what may not change ---


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "other"},
        {"variables": [{"name": "a", "value": "c"}]},
        {"emit": {"name": "Other"}},
        {"contextID": "another"},
    ],
)
async def test_what_a_run_is_made_of_never_changes(api, change):
    await api.call("POST", RUNS, run(variables=[{"name": "a", "value": "b"}], emit={"name": "Go"}, contextID="c1"))
    answer = await api.call("PATCH", f"{RUNS}/r1", {"spec": change}, headers=MERGE)
    assert (answer.status, answer.json["details"]["causes"][0]["field"]) == (422, f"spec.{next(iter(change))}")


async def test_a_decision_stands_once_it_is_made(api):
    await api.call("POST", STAGE_RUNS, stage_run())
    approve, reject = ({"spec": {"approval": {"decision": word}}} for word in ("Approved", "Rejected"))
    first = await api.call("PATCH", f"{STAGE_RUNS}/s1", approve, headers=MERGE)
    again = await api.call("PATCH", f"{STAGE_RUNS}/s1", approve, headers=MERGE)
    second = await api.call("PATCH", f"{STAGE_RUNS}/s1", reject, headers=MERGE)
    assert (first.status, again.status, second.status) == (200, 200, 422)


async def test_the_next_attempt_begins_without_the_decision_about_the_last(api):
    await api.call("POST", STAGE_RUNS, stage_run())
    reject = {"spec": {"approval": {"decision": "Rejected"}}}
    await api.call("PATCH", f"{STAGE_RUNS}/s1", reject, headers=MERGE)
    carried_on = await api.call("PATCH", f"{STAGE_RUNS}/s1", {"spec": {"attempt": 2}}, headers=MERGE)
    anew = await api.call("PATCH", f"{STAGE_RUNS}/s1", {"spec": {"attempt": 2, "approval": None}}, headers=MERGE)
    assert (carried_on.status, anew.status) == (422, 200)
    assert "remove spec.approval in the same change" in carried_on.json["message"]


async def test_a_stage_that_has_ended_takes_no_decision(api):
    await api.call("POST", STAGE_RUNS, stage_run())
    ended = {"status": {"phase": "TimedOut", "attempt": 1}}
    assert (await api.call("PATCH", f"{STAGE_RUNS}/s1/status", ended, headers=MERGE)).status == 200
    approve = {"spec": {"approval": {"decision": "Approved"}}}
    late = await api.call("PATCH", f"{STAGE_RUNS}/s1", approve, headers=MERGE)
    assert (late.status, "comes too late: the stage is TimedOut" in late.json["message"]) == (422, True)


async def test_immutable_secrets_keep_their_values_but_may_get_labels(api):
    await api.call("POST", SECRETS, secret(stringData={"a": "b"}, immutable=True))
    changed = await api.call("PATCH", f"{SECRETS}/s", {"stringData": {"a": "c"}}, headers=MERGE)
    labelled = await api.call("PATCH", f"{SECRETS}/s", {"metadata": {"labels": {"x": "y"}}}, headers=MERGE)
    assert (changed.status, labelled.status) == (422, 200)
