"""The reference of the metrics, made from the registry that `/metrics` shows: docs/reference/metrics.md.

Written by `make docs`; a test says when it is out of date.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from kabanero.api import webhook_answers as answers
from kabanero.api.metrics import SECONDS, Counter, Gauge, Histogram, Metric, Metrics
from kabanero.api.webhook import WebhookLimits
from kabanero.api.webhook_answers import Answer
from kabanero.model.events import Event
from kabanero.ports import Published
from kabanero.settings import Settings
from kabanero.sources.github_refusal import MalformedError, UnsignedError, UnverifiedError

HEAD = """# Metrics

<!-- Made by `make docs` from runner/kabanero/api/metrics.py. Edit the texts there. -->

`GET /metrics` shows them in Prometheus' text format, for a bearer token, or for everybody with the setting
`metricsOpen: true`. Names in the column *Labels* tell the lines of one metric apart. A counter shows a line when it has
counted for the first time.

| Metric | Type | Labels | Meaning |
| --- | --- | --- | --- |
"""
FOOT = """
Histograms have the bounds {bounds} (seconds); each has lines that end in `_bucket`, `_sum` and `_count`.
`phase` is one of the [phases](phases.md). `fate` is `Pending` (waits for a consumer) or `Dead` (a dead letter).

## Results of webhooks

`result` of `kabanero_webhooks_total`, with what the sender is answered. `gone` counts senders that left before it.

| Result | Status | What is said | The fix that is said |
| --- | --- | --- | --- |
"""
NOBODY: Any = None
"""Stands for parts of the runner: here they are named, not asked."""


def page() -> str:
    """The whole page, in Markdown."""
    bounds = ", ".join(f"{bound:g}" for bound in SECONDS)
    rows = "\n".join(_row(metric) for metric in _all())
    results = "\n".join(_result(answer) for answer in _answers())
    return f"{HEAD}{rows}\n{FOOT.format(bounds=bounds)}{results}\n"


def _all() -> Sequence[Metric]:
    metrics = Metrics()
    metrics.watch_store(NOBODY)
    metrics.watch_bus(NOBODY)
    metrics.watch_leader(NOBODY)
    metrics.watch_streams(NOBODY)
    return metrics.registry.metrics


def _row(metric: Metric) -> str:
    assert isinstance(metric, Counter | Gauge | Histogram)
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {type(metric).__name__.lower()} | {labels} | {metric.help} |"


def _answers() -> Sequence[Answer]:
    """One of each sort, made as the webhook makes it."""
    limits = WebhookLimits(body_limit=Settings().webhook.body_limit)
    event = Event(
        "id", "github/HOST", "com.github.push", "SourceRepository", "/", datetime.fromtimestamp(0, UTC), b"{}"
    )
    return (
        answers.accepted([event], [Published(1, duplicate=False)]),
        answers.accepted([event], [Published(1, duplicate=True)]),
        answers.refused(UnsignedError()),
        answers.refused(UnverifiedError()),
        answers.refused(MalformedError("what is wrong with headers or body", "what to do about it")),
        answers.too_large(limits.body_limit),
        answers.not_ready(limits.retry_after),
        answers.busy(limits.retry_after),
        answers.not_durable("the event can't be made durable now", limits.retry_after),
        answers.failed(),
        answers.not_post(),
        answers.not_here(limits.path),
    )


def _result(answer: Answer) -> str:
    said = orjson.loads(answer.body)
    what = said.get("error") or f"`{answer.body.decode()}`"
    return f"| `{answer.outcome}` | {answer.status} | {what} | {said.get('fix', '')} |"
