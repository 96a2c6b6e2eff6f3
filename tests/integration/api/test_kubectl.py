"""The real kubectl against the embedded API."""

import asyncio
import json

import pytest

from tests.integration.api.examples import MERGE, RUNS, stage_kind
from tests.support.kubectl import kubectl

pytestmark = pytest.mark.kubectl

RUN = """
apiVersion: kabanero.io/v1alpha1
kind: StrategyRun
metadata: {name: r1, labels: {team: red}}
spec: {strategy: main, variables: [{name: src_repo, location: "https://example.org/r"}]}
"""
SUCCEEDED = {"status": {"phase": "Succeeded", "conditions": [{"type": "Succeeded", "status": "True"}]}}


async def test_apply_creates_then_leaves_then_configures(run_kubectl):
    said = [await run_kubectl("apply", "-f", "-", stdin=text) for text in (RUN, RUN, RUN + "\n")]
    changed = RUN.replace("team: red", "team: blue")
    said.append(await run_kubectl("apply", "-f", "-", stdin=changed))
    assert [line.split()[-1] for line in said] == ["created", "unchanged", "unchanged", "configured"]


async def test_get_prints_the_columns_of_the_kind(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    narrow, wide = await run_kubectl("get", "runs"), await run_kubectl("get", "strategyrun", "r1", "-o", "wide")
    assert narrow.splitlines()[0].split() == ["NAME", "STRATEGY", "PHASE", "SUMMARY", "AGE"]
    assert wide.splitlines()[0].split() == ["NAME", "STRATEGY", "PHASE", "SUMMARY", "CONTEXT", "COMPLETED", "AGE"]
    assert narrow.splitlines()[1].split()[:2] == ["r1", "main"]


@pytest.mark.parametrize("name", ["run", "runs", "strategyrun", "strategyruns", "strategyruns.kabanero.io", "kabanero"])
async def test_a_kind_is_found_by_all_its_names(run_kubectl, name):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    assert "r1" in await run_kubectl("get", name, "-o", "name")


async def test_get_prints_json_and_yaml(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    as_json = json.loads(await run_kubectl("get", "run", "r1", "-o", "json"))
    assert as_json["spec"]["variables"] == [{"name": "src_repo", "location": "https://example.org/r"}]
    assert "strategy: main" in await run_kubectl("get", "run", "r1", "-o", "yaml")


async def test_chunks_of_a_list_are_put_together(run_kubectl, api):
    for name in "abcdefg":
        await run_kubectl("apply", "-f", "-", stdin=RUN.replace("r1", name))
    assert (await run_kubectl("get", "runs", "--chunk-size=2", "-o", "name")).split() == [
        f"strategyrun.kabanero.io/{name}" for name in "abcdefg"
    ]


async def test_describe_shows_the_resource_and_its_events(run_kubectl, api):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    made = (await api.call("GET", f"{RUNS}/r1")).json
    reference = {"kind": "StrategyRun", "apiVersion": "kabanero.io/v1alpha1", "namespace": "default"}
    event = {
        "metadata": {"name": "r1.started"},
        "involvedObject": reference | {"name": "r1", "uid": made["metadata"]["uid"]},
        "type": "Normal",
        "reason": "Started",
        "message": "the run has begun",
        "count": 1,
        "firstTimestamp": "2026-11-23T10:00:00Z",
        "lastTimestamp": "2026-11-23T10:00:00Z",
        "source": {"component": "kabanero"},
    }
    await api.call("POST", "/api/v1/namespaces/default/events", event)
    assert "the run has begun" in await run_kubectl("describe", "run", "r1")
    assert "strategyrun/r1" in (await run_kubectl("events", "--for", "strategyrun/r1")).lower()
    assert "Started" in await run_kubectl("get", "events")


async def test_label_annotate_and_patch_change_the_resource(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    await run_kubectl("label", "run", "r1", "stage=test")
    await run_kubectl("annotate", "run", "r1", "note=hello")
    await run_kubectl("patch", "run", "r1", "--type=merge", "-p", '{"spec":{"cancel":true}}')
    await run_kubectl("patch", "run", "r1", "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/team"}]')
    found = json.loads(await run_kubectl("get", "run", "r1", "-o", "json"))
    assert (found["metadata"]["labels"], found["spec"]["cancel"]) == ({"stage": "test"}, True)


async def test_a_patch_of_the_wrong_type_is_refused_with_the_right_ones(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    await run_kubectl("patch", "run", "r1", "-p", "{}", fails="application/merge-patch+json")


async def test_replace_and_edit_like_changes_notice_a_conflict(run_kubectl, api):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    before = await run_kubectl("get", "run", "r1", "-o", "json")
    await api.call("PATCH", f"{RUNS}/r1", {"metadata": {"labels": {"x": "y"}}}, headers=MERGE)
    await run_kubectl("replace", "-f", "-", stdin=before, fails="Conflict")


async def test_server_side_apply_is_refused_with_the_way_out(run_kubectl):
    await run_kubectl("apply", "--server-side", "-f", "-", stdin=RUN, fails="without --server-side")


async def test_a_dry_run_on_the_server_checks_and_stores_nothing(run_kubectl):
    said = await run_kubectl("create", "-f", "-", "--dry-run=server", stdin=RUN)
    assert "created (server dry run)" in said
    await run_kubectl("get", "run", "r1", fails="NotFound")


async def test_a_mistyped_field_is_refused_with_the_one_that_was_meant(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=RUN.replace("strategy:", "stratgy:"), fails="did you mean strategy?")


async def test_explain_describes_fields(run_kubectl):
    assert "Values of the strategy's variables" in await run_kubectl("explain", "run.spec")


async def test_api_resources_and_versions_are_listed(run_kubectl):
    assert "strategydefinitions" in await run_kubectl("api-resources", "--api-group=kabanero.io")
    assert "kabanero.io/v1alpha1" in await run_kubectl("api-versions")


async def test_wait_returns_when_the_condition_is_there(run_kubectl, api):
    await run_kubectl("apply", "-f", "-", stdin=RUN)
    waiting = asyncio.create_task(run_kubectl("wait", "run/r1", "--for=condition=Succeeded", "--timeout=20s"))
    while not api.api.app.replies.open_streams:
        await asyncio.sleep(0)
    await api.call("PATCH", f"{RUNS}/r1/status", SUCCEEDED, headers=MERGE)
    assert "condition met" in await waiting


async def test_get_w_prints_a_row_for_each_change(run_kubectl, api):
    process = await api.start(kubectl(), "get", "runs", "-w")
    try:
        while not api.api.app.replies.open_streams:
            await asyncio.sleep(0)
        await run_kubectl("apply", "-f", "-", stdin=RUN)
        await api.call("PATCH", f"{RUNS}/r1/status", {"status": {"phase": "Running"}}, headers=MERGE)
        async with asyncio.timeout(10):
            lines = [(await process.stdout.readline()).decode().split() for _ in range(3)]
    finally:
        process.kill()
        await process.wait()
    assert [line[:3] for line in lines[1:]] == [["r1", "main", "0s"], ["r1", "main", "Running"]]


async def test_secrets_config_maps_and_namespaces_are_created_by_command(run_kubectl):
    await run_kubectl("create", "namespace", "team")
    await run_kubectl("create", "secret", "generic", "hook", "--from-literal=secret=s3cret", "-n", "team")
    await run_kubectl("create", "configmap", "plain", "--from-literal=a=b", "-n", "team")
    listed = await run_kubectl("get", "secret,configmap", "-n", "team", "-o", "name")
    assert listed.split() == ["secret/hook", "configmap/plain"]
    assert await run_kubectl("get", "secret", "hook", "-n", "team", "-o", "jsonpath={.data.secret}") == "czNjcmV0"


async def test_apply_changes_a_secret(run_kubectl):
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: one}\n"
    await run_kubectl("apply", "-f", "-", stdin=text)
    await run_kubectl("apply", "-f", "-", stdin=text.replace("one", "two"))
    assert await run_kubectl("get", "secret", "s", "-o", "jsonpath={.data.a}") == "dHdv"


async def test_delete_waits_until_the_namespace_and_all_in_it_are_gone(run_kubectl):
    await run_kubectl("create", "namespace", "team")
    await run_kubectl("apply", "-n", "team", "-f", "-", stdin=RUN)
    await run_kubectl("delete", "namespace", "team", "--timeout=20s")
    assert "No resources found" in await run_kubectl("get", "runs", "-A")


async def test_a_namespace_that_is_not_there_is_named_with_the_command_that_makes_it(run_kubectl):
    await run_kubectl("apply", "-n", "nowhere", "-f", "-", stdin=RUN, fails="kubectl create namespace nowhere")


async def test_delete_by_selector_and_all(run_kubectl):
    for name in ("r1", "r2", "r3"):
        await run_kubectl("apply", "-f", "-", stdin=RUN.replace("r1", name))
    await run_kubectl("delete", "run", "r2")
    await run_kubectl("delete", "runs", "-l", "team=red")
    assert "No resources found" in await run_kubectl("get", "runs")


async def test_a_kind_of_ones_own_is_used_like_any_other(run_kubectl):
    await run_kubectl("apply", "-f", "-", stdin=json.dumps(stage_kind()))
    own = "apiVersion: kabanero.io/v1alpha1\nkind: MultiPlatformBuild\nmetadata: {name: b}\nspec: {platforms: [a]}\n"
    await run_kubectl("apply", "-f", "-", stdin=own)
    assert "b" in await run_kubectl("get", "multiplatformbuilds", "-o", "name")


async def test_auth_says_who_one_is_and_what_one_may_do(run_kubectl):
    assert "tester" in await run_kubectl("auth", "whoami")
    assert (await run_kubectl("auth", "can-i", "create", "runs")).strip() == "yes"


async def test_an_unknown_field_in_a_selector_is_named_with_the_one_that_was_meant(run_kubectl):
    await run_kubectl("get", "runs", "--field-selector", "status.phse=x", fails="did you mean status.phase?")
