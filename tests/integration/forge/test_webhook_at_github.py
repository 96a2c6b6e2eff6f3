"""The module `webhook` against GitHub's own rules: Prism checks both sides by GitHub's description of its API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.integration.forge.conftest import Webhook
from tests.support.absent import absent
from tests.support.collection import ROOT
from tests.support.github_api import APP, TOKEN, GithubApi
from tests.support.github_hooks import Hook
from tests.support.playing import call_module, play_tasks
from tests.support.runner import SECRET, Runner, resource
from tests.testbed.ending import ended_with_us
from tests.testbed.prism import Prism, folder, lacking

MODULE = ROOT / "plugins" / "modules" / "webhook.py"
SHOP, ACME = "/repos/acme/shop", "/orgs/acme"


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GithubApi, Prism]]:
    """Our GitHub behind Prism."""
    if lacking():
        absent("GitHub's description of its API, or node", "make testbed")
    described = json.loads((folder() / "github.json").read_text())["paths"]
    state = tmp_path_factory.mktemp("prism")
    with GithubApi(described, SHOP, ACME) as api, ended_with_us(state):
        prism = Prism(state)
        prism.start(api.url)
        yield api, prism


@pytest.fixture
def api(github: tuple[GithubApi, Prism]) -> GithubApi:
    """Our GitHub without hooks and faults."""
    api = github[0]
    for hooks in api.places.values():
        hooks.all.clear()
    api.faults.clear()
    api.asked.clear()
    return api


@pytest.fixture
def webhook(
    api: GithubApi,
    github: tuple[GithubApi, Prism],
    collections: Path,
    runner: Runner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Webhook:
    """Calls the module for the repository acme/shop, with `check=True` in check mode."""
    defaults: dict[str, Any] = {"api_url": github[1].url, "token": TOKEN, "secret": SECRET, "repository": "acme/shop"}

    def call(check: bool = False, **options: Any) -> dict[str, Any]:
        given = defaults | {"url": f"{runner.url}/webhook"} | options
        given = {name: value for name, value in given.items() if value is not None}
        return call_module("webhook", given, collections, tmp_path_factory.mktemp("call"), check=check)

    return call


def test_its_examples_run_as_printed(
    api: GithubApi, github: tuple[GithubApi, Prism], collections: Path, runner: Runner, tmp_path: Path
) -> None:
    runner.source()
    source = {"url": "https://github.com/acme", "webhookSecret": {"name": "hook"}}
    runner.apply(resource("GithubEventSource", "acme", source))
    api.hosts["https://ci.example.com"] = runner.url
    printed = yaml.safe_load(re.search(r'EXAMPLES = r"""(.*?)"""', MODULE.read_text(), re.DOTALL)[1])
    told = {"ansible.builtin.set_fact": {"webhook_secret": SECRET}}
    login = {"GITHUB_API_URL": github[1].url, "GITHUB_TOKEN": TOKEN}
    done = play_tasks([told, *printed], collections, tmp_path, **login)
    assert done.returncode == 0, done.stdout + done.stderr


def only(api: GithubApi, place: str = SHOP) -> Hook:
    (hook,) = api.places[place].all.values()
    return hook


def test_a_hook_is_made_once_with_all_it_needs(api: GithubApi, webhook: Webhook, runner: Runner) -> None:
    assert [webhook()["changed"] for _ in range(2)] == [True, False]
    config = only(api).config
    assert config["url"].startswith(f"{runner.url}/webhook?secret-id=")
    assert (config["secret"], config["content_type"], config["insecure_ssl"]) == (SECRET, "json", "0")


def test_check_mode_writes_nothing(api: GithubApi, webhook: Webhook) -> None:
    assert webhook(check=True)["changed"]
    assert [line for line in api.asked if not line.startswith("GET")] == []


def test_a_change_keeps_the_secret(api: GithubApi, webhook: Webhook) -> None:
    webhook()
    webhook(events=["push", "release"], insecure_ssl=True)
    hook = only(api)
    assert (hook.events, hook.config["insecure_ssl"], hook.config["secret"]) == (["push", "release"], "1", SECRET)


def test_another_secret_is_written_in_place_at_once(api: GithubApi, webhook: Webhook) -> None:
    before = webhook()["hook"]["id"]
    assert webhook(secret="another-s3cret")["hook"]["id"] == before
    assert only(api).config["secret"] == "another-s3cret"


def test_a_hook_that_was_made_by_hand_gets_the_secret(api: GithubApi, webhook: Webhook, runner: Runner) -> None:
    config = {"url": f"{runner.url}/webhook", "content_type": "json", "secret": "who knows"}
    api.places[SHOP].create({"config": config, "events": ["push", "pull_request"]})
    assert [webhook()["changed"] for _ in range(2)] == [True, False]
    assert only(api).config["secret"] == SECRET


def test_a_secret_that_was_changed_by_hand_is_written_when_asked(api: GithubApi, webhook: Webhook) -> None:
    webhook()
    only(api).config["secret"] = "changed by hand"
    assert not webhook()["changed"]
    assert webhook(update_secret="always")["changed"]
    assert only(api).config["secret"] == SECRET


def test_an_organization_has_hooks_too(api: GithubApi, webhook: Webhook) -> None:
    assert [webhook(repository=None, organization="acme")["changed"] for _ in range(2)] == [True, False]
    assert only(api, ACME).events == ["pull_request", "push"]


def test_all_pages_are_looked_through(api: GithubApi, webhook: Webhook) -> None:
    for number in range(5):
        api.places[SHOP].create({"config": {"url": f"https://example.com/{number}"}})
    webhook()
    api.limit_page = 2
    try:
        assert not webhook()["changed"]
    finally:
        api.limit_page = 100


def test_deleted_is_what_sends_to_this_address(api: GithubApi, webhook: Webhook) -> None:
    api.places[SHOP].create({"config": {"url": "https://example.com/other"}})
    webhook()
    assert [webhook(state="absent", secret=None)["changed"] for _ in range(2)] == [True, False]
    assert only(api).config["url"] == "https://example.com/other"


def test_a_ping_is_waited_for_until_the_runner_has_it_on_disk(webhook: Webhook, runner: Runner) -> None:
    runner.source()
    delivery = webhook(ping=True)["delivery"]
    assert delivery["status_code"] == 202
    events = runner.request("GET", "/runner/v1/events?topic=SourceRepository&limit=100")["items"]
    assert delivery["guid"] in [each["id"] for each in events if each["data"]["eventName"] == "Ping"]


def test_a_ping_that_the_runner_does_not_believe_is_told(webhook: Webhook, runner: Runner) -> None:
    runner.source()
    told = webhook(ping=True, secret="not-the-runners-s3cret")
    assert told["delivery"]["status_code"] == 401
    assert "make the GithubEventSource first" in told["msg"]


def test_a_ping_that_nobody_answers_is_told(webhook: Webhook) -> None:
    assert "can the forge reach it?" in webhook(ping=True, url="http://127.0.0.1:9/webhook")["msg"]


def test_an_app_is_as_good_as_a_token(api: GithubApi, webhook: Webhook) -> None:
    app = {"token": None, "app_id": APP, "app_private_key": api.private_key}
    assert webhook(**app)["changed"]
    assert "GET /repos/acme/shop/installation" in api.asked


def test_a_wrong_token_is_told_with_what_to_do(webhook: Webhook) -> None:
    told = webhook(token="ghp_wrong")
    assert (told["failed"], told["status"]) == (True, 401)
    assert "look at token" in told["msg"]


def test_a_misspelled_repository_is_told_with_the_one_that_was_meant(webhook: Webhook) -> None:
    assert "did you mean acme/shop?" in webhook(repository="acme/shopp")["msg"]


def test_a_misspelled_organization_is_told_with_the_one_that_was_meant(webhook: Webhook) -> None:
    assert "did you mean acme?" in webhook(repository=None, organization="acmee")["msg"]


def test_an_unknown_event_is_told_with_the_one_that_was_meant(webhook: Webhook) -> None:
    assert "pul_request (did you mean pull_request?)" in webhook(events=["push", "pul_request"])["msg"]


def test_a_rate_limit_that_ends_soon_is_waited_for(api: GithubApi, webhook: Webhook) -> None:
    reset = str(int(time.time()) + 2)
    api.fail(403, "API rate limit exceeded for user ID 1.", x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    assert webhook()["changed"]
    assert time.time() > int(reset)


def test_a_secondary_rate_limit_says_how_long(api: GithubApi, webhook: Webhook) -> None:
    api.fail(429, "You have exceeded a secondary rate limit.", retry_after="1")
    assert webhook()["changed"]


def test_a_rate_limit_that_lasts_is_told_with_when_it_ends(api: GithubApi, webhook: Webhook) -> None:
    reset = str(int(time.time()) + 3000)
    api.fail(403, "API rate limit exceeded for user ID 1.", x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    assert re.search(r"it may be asked again in (299\d|300\d) s", webhook()["msg"])


def test_a_forge_that_is_away_for_a_moment_is_asked_again(api: GithubApi, webhook: Webhook) -> None:
    api.fail(502, "Server Error", times=2)
    assert webhook()["changed"]
    assert len(api.places[SHOP].all) == 1


def test_a_creation_whose_answer_was_lost_is_found_done(api: GithubApi, webhook: Webhook) -> None:
    api.lose_writes = 1
    assert not webhook()["failed"]
    assert len(api.places[SHOP].all) == 1


def test_answers_of_ours_that_githubs_are_not_like_are_refused(
    api: GithubApi, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Hook.told
    monkeypatch.setattr(Hook, "told", lambda hook, base: told(hook, base) | {"events": "push"})
    assert webhook(wait_timeout=0)["status"] == 500


def test_requests_that_github_does_not_take_are_refused(api: GithubApi, github: tuple[GithubApi, Prism]) -> None:
    config, headers = {"url": "https://example.com"}, {"Authorization": f"token {TOKEN}"}
    body = {"name": "web", "config": config, "events": "push"}
    answer = urllib3.request("POST", f"{github[1].url}{SHOP}/hooks", json=body, headers=headers)
    assert answer.status == 422
    assert api.places[SHOP].all == {}
