"""The role `configure` on a runner of its own, by the real kubernetes.core: nothing of a cluster is needed."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.foreign_collections import kubernetes_core
from tests.support.playing import run_playbook
from tests.support.runner import API, Runner

FILTER = "/api/v1/namespaces/kabanero/configmaps/kabanero.kubernetes.api.event.filter"
SOURCE = {"name": "shop", "url": "https://github.com/acme/shop", "secret": "secret-of-the-shop"}
Configure = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with Runner(tmp_path) as started:
        yield started


@pytest.fixture
def configure(collections: Path, runner: Runner) -> Configure:
    """Plays the collection's playbook with these variables."""

    def play(*arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        given = {f"configure_{name}": value for name, value in variables.items()}
        paths = f"{collections}:{kubernetes_core()}"
        where = {"K8S_AUTH_KUBECONFIG": str(runner.data / "kubeconfig")}
        return run_playbook("kabanero.events.configure", paths, "--extra-vars", json.dumps(given), *arguments, **where)

    return play


def done(played: subprocess.CompletedProcess[str]) -> int:
    """How much was changed."""
    assert played.returncode == 0, played.stdout + played.stderr
    changed = re.search(r"changed=(\d+)", played.stdout)
    assert changed
    return int(changed[1])


def test_a_source_is_configured_once_and_its_webhooks_are_taken(runner: Runner, configure: Configure) -> None:
    assert done(configure(sources=[SOURCE])) > 0
    assert done(configure(sources=[SOURCE])) == 0
    data = runner.request("GET", "/api/v1/namespaces/kabanero/secrets/shop-webhook")["data"]
    assert base64.b64decode(data["secret"]) == b"secret-of-the-shop"
    status = runner.request("GET", f"{API}/githubeventsources/shop")["status"]
    assert status["configured"] is True


def test_what_is_left_out_later_is_taken_away_from_the_source(runner: Runner, configure: Configure) -> None:
    done(configure(sources=[SOURCE | {"previous_secret_name": "shop-webhook"}]))
    assert "previousWebhookSecret" in runner.request("GET", f"{API}/githubeventsources/shop")["spec"]
    assert done(configure(sources=[SOURCE])) == 1
    assert "previousWebhookSecret" not in runner.request("GET", f"{API}/githubeventsources/shop")["spec"]


def test_check_mode_shows_what_would_be_made_and_makes_nothing(runner: Runner, configure: Configure) -> None:
    played = configure("--check", "--diff", sources=[SOURCE])
    assert done(played) > 0
    assert "secret-of-the-shop" not in played.stdout
    assert runner.request("GET", f"{API}/githubeventsources")["items"] == []


def test_the_filter_of_kubernetes_events_is_kept(runner: Runner, configure: Configure) -> None:
    done(configure(event_filter={"allowedNamespaces": ["app1*", "app2"]}))
    assert runner.request("GET", FILTER)["data"] == {"allowedNamespaces": "app1*\napp2"}


def test_all_of_it_is_removed_again(runner: Runner, configure: Configure) -> None:
    done(configure(sources=[SOURCE], event_filter={"allowedNamespaces": ["app1"]}))
    assert done(configure(sources=[SOURCE], state="absent")) > 0
    assert runner.request("GET", f"{API}/githubeventsources")["items"] == []
    assert runner.request("GET", "/api/v1/namespaces/kabanero/secrets")["items"] == []
    assert done(configure(sources=[SOURCE], state="absent")) == 0


def test_playbooks_are_refused_with_the_folder_where_they_belong(runner: Runner, configure: Configure) -> None:
    played = configure(playbooks={"deploy.yml": "- hosts: localhost"})
    assert played.returncode != 0
    said = " ".join(played.stdout.split())
    assert "configure_playbooks and configure_sample can't be brought to" in said
    assert "kabanero serve --project-dir" in said
    assert "deploy.yml" in said
