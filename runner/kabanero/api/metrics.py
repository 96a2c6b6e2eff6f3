"""Counters, gauges and histograms in Prometheus' text format.

Webhook, controllers and stores count here; `/metrics` shows it. A registry of our own: three kinds of numbers and one
page of text, for which the usual library would take 3 MB and 30 ms of every start.
"""

from __future__ import annotations

import bisect
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from kabanero.model.errors import KabaneroError
from kabanero.model.kinds.core import NAMESPACE
from kabanero.ports import Bus, EventQuery, Fate, Store

log = logging.getLogger(__name__)

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
Labels = tuple[str, ...]
MOST_COUNTED = 1000


class Metric(Protocol):
    """Anything that has lines on the page."""

    async def lines(self) -> Sequence[str]:
        """The metric's lines."""


M = TypeVar("M", bound=Metric)
Numbers = Mapping[Labels, float]


@dataclass(slots=True)
class Counter:
    """A number that only grows, for each combination of label values."""

    name: str
    help: str
    labels: Labels = ()
    _values: dict[Labels, float] = field(default_factory=dict)

    def add(self, *values: str, by: float = 1) -> None:
        """Counts; `values` stand in the order of the labels."""
        self._values[values] = self._values.get(values, 0) + by

    def value(self, *values: str) -> float:
        """What was counted so far."""
        return self._values.get(values, 0)

    async def lines(self) -> Sequence[str]:
        """The metric's lines."""
        return _plain(self.name, self.help, "counter", self.labels, self._values)


@dataclass(slots=True)
class Gauge:
    """A number that is asked for when the page is read: `read` gives it for each combination of label values."""

    name: str
    help: str
    read: Callable[[], Awaitable[Numbers]]
    labels: Labels = ()

    async def lines(self) -> Sequence[str]:
        """The metric's lines; none when it can't be read now."""
        try:
            return _plain(self.name, self.help, "gauge", self.labels, await self.read())
        except KabaneroError as error:
            log.warning("%s can't be read: %s", self.name, error)
            return ()


@dataclass(slots=True)
class Histogram:
    """How often a value fell below each bound; values are in the unit that the name says."""

    name: str
    help: str
    labels: Labels = ()
    bounds: Sequence[float] = SECONDS
    _counts: dict[Labels, list[int]] = field(default_factory=dict)
    _sums: dict[Labels, float] = field(default_factory=dict)

    def observe(self, value: float, *values: str) -> None:
        """Takes one value in; `values` stand in the order of the labels."""
        counts = self._counts.get(values)
        if counts is None:
            counts = self._counts[values] = [0] * (len(self.bounds) + 1)
        counts[bisect.bisect_left(self.bounds, value)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + value

    async def lines(self) -> Sequence[str]:
        """The metric's lines."""
        return [*_head(self.name, self.help, "histogram"), *self._buckets()]

    def _buckets(self) -> Iterator[str]:
        for values, counts in self._counts.items():
            total = 0
            for bound, count in zip((*map(_number, self.bounds), "+Inf"), counts, strict=True):
                total += count
                yield f"{self.name}_bucket{_labels((*self.labels, 'le'), (*values, bound))} {total}"
            yield f"{self.name}_sum{_labels(self.labels, values)} {_number(self._sums[values])}"
            yield f"{self.name}_count{_labels(self.labels, values)} {total}"


@dataclass(slots=True)
class Registry:
    """All metrics of one runner."""

    _metrics: list[Metric] = field(default_factory=list)

    def counter(self, name: str, help: str, labels: Labels = ()) -> Counter:
        """A new counter. Names end in `_total`."""
        return self._take(Counter(name, help, labels))

    def histogram(self, name: str, help: str, labels: Labels = (), bounds: Sequence[float] = SECONDS) -> Histogram:
        """A new histogram."""
        return self._take(Histogram(name, help, labels, bounds))

    def gauge(self, name: str, help: str, read: Callable[[], Awaitable[Numbers]], labels: Labels = ()) -> Gauge:
        """A new gauge."""
        return self._take(Gauge(name, help, read, labels))

    @property
    def metrics(self) -> Sequence[Metric]:
        """All of them, in the order of the page."""
        return tuple(self._metrics)

    async def text(self) -> str:
        """The page."""
        return "\n".join([line for metric in self._metrics for line in await metric.lines()]) + "\n"

    def _take(self, metric: M) -> M:
        self._metrics.append(metric)
        return metric


def _head(name: str, help: str, kind: str) -> Iterable[str]:
    return (f"# HELP {name} {help}", f"# TYPE {name} {kind}")


def _plain(name: str, help: str, kind: str, labels: Labels, numbers: Numbers) -> list[str]:
    lines = [f"{name}{_labels(labels, values)} {_number(number)}" for values, number in numbers.items()]
    return [*_head(name, help, kind), *lines]


def _labels(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


class Candidate(Protocol):
    """One of several runners."""

    @property
    def leads(self) -> bool:
        """Whether it leads now."""


class Metrics:
    """The runner's own metrics: one instance, made by `app` and handed to whoever counts."""

    def __init__(self) -> None:
        self.registry = make = Registry()
        self.webhooks = make.counter("kabanero_webhooks_total", "Webhooks by how they were answered.", ("result",))
        self.runs = make.counter("kabanero_strategy_runs_total", "Strategy runs by the phase they came to.", ("phase",))
        self.stages = make.counter("kabanero_stage_runs_total", "Stage runs by the phase they came to.", ("phase",))
        self.stage_seconds = make.histogram(
            "kabanero_stage_duration_seconds", "Time from a stage's trigger to its end, in seconds.", ("phase",)
        )
        self.requests = make.counter("kabanero_api_requests_total", "API requests answered.", ("method", "code"))
        self.request_seconds = make.histogram(
            "kabanero_api_request_duration_seconds", "Time to an answer of the API, in seconds.", ("method",)
        )
        self.kubernetes_requests = make.counter(
            "kabanero_kubernetes_requests_total",
            "Requests sent to the API server that keeps the resources; those sent again count.",
            ("verb", "resource"),
        )
        make.gauge("process_resident_memory_bytes", "Memory of the runner itself, in bytes.", _memory)

    def answered(self, method: str, code: int, seconds: float) -> None:
        """Counts a request to the API. `method` is one of the known methods: labels must not grow without end."""
        self.requests.add(method, str(code))
        self.request_seconds.observe(seconds, method)

    def watch_store(self, store: Store) -> None:
        """Shows how far the store has come."""

        async def version() -> Numbers:
            return {(): float((await store.list(NAMESPACE, limit=1)).resource_version)}

        self.registry.gauge("kabanero_store_version", "Version of the store: grows by one with every write.", version)

    def watch_leader(self, candidate: Candidate) -> None:
        """Shows whether this runner leads."""

        async def leads() -> Numbers:
            return {(): float(candidate.leads)}

        self.registry.gauge("kabanero_leader", "1 on the runner that leads; over all runners at most 1.", leads)

    def watch_bus(self, bus: Bus) -> None:
        """Shows what waits on the bus."""

        async def backlog() -> Numbers:
            fates = (Fate.PENDING, Fate.DEAD)
            found = [await bus.find(EventQuery(fate=fate, limit=MOST_COUNTED)) for fate in fates]
            return {(fate,): len(events) for fate, events in zip(fates, found, strict=True)}

        text = f"Events that wait for a consumer or that one gave up on; at most {MOST_COUNTED} are counted."
        self.registry.gauge("kabanero_bus_events", text, backlog, ("fate",))

    def watch_streams(self, count: Callable[[], int]) -> None:
        """Shows how many watches and logs are read now."""

        async def streams() -> Numbers:
            return {(): count()}

        self.registry.gauge("kabanero_api_open_streams", "Watches and logs that are read now.", streams)


async def _memory() -> Numbers:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])  # noqa: ASYNC240 this file is in memory
    return {(): pages * os.sysconf("SC_PAGE_SIZE")}
