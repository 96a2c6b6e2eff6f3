"""Matching one event against ten thousand triggers, in the ways in which triggers of a large installation differ."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kabanero.engine.triggers import TriggerIndex
from kabanero.model.events import Event

from tests.bench.figures import Figure, median, percentile
from tests.support.runner import push_payload, resource

TRIGGERS = 10_000
ROUNDS = 2_000
Filters = Callable[[int], list[dict[str, Any]]]


def by_repository(number: int) -> list[dict[str, Any]]:
    """Each for a repository of its own, and not for test branches."""
    return [
        {"attribute": "location", "allowed": [f"https://github.com/acme/app-{number}"]},
        {"attribute": "branch", "allowed": ["main", "release/*"], "disallowed": ["*test"]},
    ]


def by_glob(number: int) -> list[dict[str, Any]]:
    """As before, the repository found by name and the message looked at by JSONPath."""
    return [
        {"attribute": "repository", "allowed": [f"app-{number}"]},
        {"jsonPath": "$.rawData.head_commit.message", "disallowed": ["*skip ci*"]},
    ]


def measure(folder: Path) -> list[Figure]:
    """Microseconds for one event of which one trigger wants to know; reading its JSON is not part of it."""
    return [_figure("one repository each", by_repository), _figure("and a JSONPath", by_glob)]


def _figure(what: str, filters: Filters) -> Figure:
    index = TriggerIndex()
    for number in range(TRIGGERS):
        rule = {"match": {"eventName": "Push"}, "filter": filters(number)}
        trigger = resource("StrategyTrigger", f"t{number}", {"strategy": "main", "events": [rule]})
        index.add({**trigger, "metadata": {**trigger["metadata"], "uid": f"u{number}"}})
    times = [_once(index, number * 7 % TRIGGERS) for number in range(ROUNDS)]
    detail = f"{what}; p99 {percentile(times, 99):.0f} µs, n={ROUNDS}"
    return Figure(f"matching, {TRIGGERS:,} triggers (median)", "kabanero", median(times), "µs", "< 100", detail)


def _once(index: TriggerIndex, number: int) -> float:
    event = _push(number)
    assert event.data
    began = time.perf_counter_ns()
    found = index.match(event)
    took = (time.perf_counter_ns() - began) / 1000
    assert [each.name for each in found] == [f"t{number}"]
    return took


def _push(number: int) -> Event:
    name = f"app-{number}"
    data = {
        "eventName": "Push",
        "repositoryType": "github",
        "repository": name,
        "location": f"https://github.com/acme/{name}",
        "branch": "main",
        "rawData": push_payload("main", "c0ffee"),
    }
    payload = json.dumps(data).encode()
    return Event(name, "bench", "push", "SourceRepository", f"/bench/{name}", datetime.now(UTC), payload)
