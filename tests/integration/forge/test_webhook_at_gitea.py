"""The module `webhook` keeps the hooks of a real forge as they should be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.forge.conftest import Clone, Webhook
from tests.support.runner import Runner
from tests.testbed.forge import ADMIN, Forge

OTHER_SECRET = "another-s3cret-of-the-test"


@pytest.fixture
def repository(forge: Forge, request: pytest.FixtureRequest) -> str:
    """An empty repository of its own for each test."""
    return forge.repository(request.node.name.replace("_", "-")[:90])


def hooks(forge: Forge, repository: str) -> list[dict[str, Any]]:
    return list(forge.ask("GET", f"/repos/{repository}/hooks"))


def test_check_mode_makes_nothing(forge: Forge, webhook: Webhook, repository: str) -> None:
    assert webhook(check=True, repository=repository)["changed"]
    assert hooks(forge, repository) == []


def test_what_was_made_is_not_made_again(forge: Forge, webhook: Webhook, repository: str) -> None:
    assert [webhook(repository=repository)["changed"] for _ in range(2)] == [True, False]
    assert len(hooks(forge, repository)) == 1


def test_a_pull_requests_many_events_at_gitea_are_the_one_that_was_asked_for(webhook: Webhook, repository: str) -> None:
    assert webhook(repository=repository)["hook"]["events"] == ["pull_request", "push"]


def test_check_mode_after_it_was_made_changes_nothing(webhook: Webhook, repository: str) -> None:
    webhook(repository=repository)
    assert not webhook(check=True, repository=repository)["changed"]


def test_events_are_replaced_in_place(forge: Forge, webhook: Webhook, repository: str) -> None:
    before = webhook(repository=repository)["hook"]["id"]
    after = webhook(repository=repository, events=["push", "release"])
    assert (after["hook"]["id"], after["diff"]["after"]["events"]) == (before, ["push", "release"])
    assert sorted(hooks(forge, repository)[0]["events"]) == ["push", "release"]


def test_a_hook_can_be_silenced(forge: Forge, webhook: Webhook, repository: str) -> None:
    webhook(repository=repository)
    webhook(repository=repository, active=False)
    assert not hooks(forge, repository)[0]["active"]


def test_another_secret_is_seen_without_asking_for_it(forge: Forge, webhook: Webhook, repository: str) -> None:
    before = webhook(repository=repository)["hook"]
    after = webhook(repository=repository, secret=OTHER_SECRET)
    assert after["changed"]
    assert after["diff"]["before"]["secret_id"] != after["diff"]["after"]["secret_id"]
    assert [each["id"] for each in hooks(forge, repository)] == [after["hook"]["id"]] != [before["id"]]


def test_other_hooks_are_left_alone(forge: Forge, webhook: Webhook, repository: str) -> None:
    webhook(repository=repository, url="http://127.0.0.1:9/elsewhere")
    webhook(repository=repository)
    webhook(repository=repository, state="absent")
    assert [each["config"]["url"].partition("?")[0] for each in hooks(forge, repository)] == [
        "http://127.0.0.1:9/elsewhere"
    ]


def test_of_two_hooks_to_one_address_one_stays(forge: Forge, runner: Runner, webhook: Webhook, repository: str) -> None:
    config = {"url": f"{runner.url}/webhook", "content_type": "json"}
    forge.ask(
        "POST", f"/repos/{repository}/hooks", {"type": "gitea", "config": config, "events": ["push"], "active": True}
    )
    forge.ask(
        "POST", f"/repos/{repository}/hooks", {"type": "gitea", "config": config, "events": ["push"], "active": True}
    )
    assert len(webhook(repository=repository)["diff"]["before"]["others"]) == 1
    assert len(hooks(forge, repository)) == 1


def test_what_is_absent_is_not_deleted_again(webhook: Webhook, repository: str) -> None:
    webhook(repository=repository)
    assert [webhook(repository=repository, state="absent")["changed"] for _ in range(2)] == [True, False]


def test_an_organization_has_hooks_too(forge: Forge, webhook: Webhook) -> None:
    forge.ask("POST", "/orgs", {"username": "acme"})
    assert [webhook(organization="acme")["changed"] for _ in range(2)] == [True, False]
    assert len(forge.ask("GET", "/orgs/acme/hooks")) == 1


def test_a_misspelled_repository_is_told_with_the_one_that_was_meant(webhook: Webhook, repository: str) -> None:
    assert f"did you mean {repository}?" in webhook(repository=f"{repository}s")["msg"]


def test_an_event_that_the_forge_does_not_know_is_told(webhook: Webhook, repository: str) -> None:
    assert "pul_request (did you mean pull_request?)" in webhook(repository=repository, events=["pul_request"])["msg"]


def test_a_wrong_token_is_told_with_what_to_do(webhook: Webhook, repository: str) -> None:
    result = webhook(repository=repository, token="wrong")
    assert (result["failed"], result["status"]) == (True, 401)
    assert "look at token" in result["msg"]


def test_an_address_that_is_no_api_is_told_with_where_apis_are(forge: Forge, webhook: Webhook) -> None:
    assert "Gitea at https://HOST/api/v1" in webhook(repository=f"{ADMIN}/x", api_url=forge.url, wait_timeout=0)["msg"]


def test_gitea_has_no_ping(webhook: Webhook, repository: str) -> None:
    assert "would start runs" in webhook(repository=repository, ping=True)["msg"]


def test_after_a_rotation_pushes_are_believed_that_the_new_secret_signs(webhook: Webhook, clone: Clone) -> None:
    runner, name = clone.runner, "rotated"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"secret": OTHER_SECRET}}
    runner.apply(secret)
    sources = "/apis/kabanero.io/v1alpha1/namespaces/kabanero/githubeventsources"
    source = next(
        each for each in runner.request("GET", sources)["items"] if each["spec"]["url"].endswith(clone.repository)
    )
    both = {"webhookSecret": {"name": name}, "previousWebhookSecret": {"name": "hook"}}
    path = f"{sources}/{source['metadata']['name']}"
    runner.request("PATCH", path, {"spec": both}, "application/merge-patch+json")
    clone.git("push", "origin", "main")
    assert clone.event(eventName="Push")["branch"] == "main", "the old secret still counts"
    webhook(repository=clone.repository, secret=OTHER_SECRET)
    runner.request("PATCH", path, {"spec": {"previousWebhookSecret": None}}, "application/merge-patch+json")
    commit = clone.commit("after the rotation")
    clone.git("push", "origin", "main")
    assert clone.event(eventName="Push", commit=commit)["branch"] == "main"
