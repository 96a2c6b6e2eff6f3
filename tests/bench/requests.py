"""What one run of one Tekton stage costs an API server: every request, in order, by the server's own audit log.

The runner's requests and its playbook's are counted alike. Those that come by the clock (leases, the hourly search) are
no run's and are left out.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure
from tests.bench.tekton_world import ended_runs, shop
from tests.testbed.audit import Asked, Audit
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.ending import ended_with_us
from tests.testbed.parts import missing
from tests.testbed.processes import wait_until

ROUNDS = 5
SETTLE_SECONDS = 1.5
AGENTS = {"kabanero/": "runner", "kabanero.events": "playbook"}
BY_THE_CLOCK = ("list", "watch")
WHY = {
    "create queuedevents SourceRepository": "the push: durable before it is answered 202",
    "create strategyruns": "the run that a trigger asks for; its name is the event's, so a second one is refused",
    "update strategyruns/status Running": "the run begins: definition pinned, first decision and outbox, in one write",
    "create stageruns": "the stage, as it waits",
    "patch stageruns/status Triggered": "the stage is to be carried out; a status can't be created with its object",
    "patch queuedevents/status Handled SourceRepository": "the push is acknowledged: which run it started",
    "get pipelines": "which params the Pipeline declares; a missing one is told here",
    "create pipelineruns": "the PipelineRun; its name is the attempt's, so a second one is refused",
    "update stageruns/status Running Playbook": "for people: a playbook that takes long, and its task",
    "update strategyruns/status Running shown": "for people: the stage is running",
    "update stageruns/status Running Object": "what the stage waits for: a new leader finds it here",
    "create events": "for people: one Event for each step of the run",
    "update strategyruns/status Succeeded": "the end of the stage, what follows from it, and its outbox, in one write",
    "create queuedevents Strategy": "the event that the stage emits: other strategies may start by it",
    "patch queuedevents/status Handled Strategy": "that event is acknowledged",
    "update stageruns/status Succeeded": "the end of the stage, written last: it acknowledges all before",
    "update strategyruns/status Succeeded closed": "the outbox is done: an ended run shows none",
}
"""Why there is a request that is told so by `said`."""


class AuditedCluster(SimulatedCluster):
    """With the API server's audit log."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.audit = Audit(self.folder)

    def _apiserver_flags(self) -> list[str]:
        return [*super()._apiserver_flags(), *self.audit.flags()]


def measure(folder: Path) -> list[Figure]:
    """Requests of a run from its push to its end, the fewest of some runs; prints them.

    A busy machine adds some, since what is shown of a playbook that takes long is written by the clock.
    """
    if lacking := missing(SimulatedCluster.programs):
        print(f"NOT MEASURED: requests needs {', '.join(lacking)}; make test-cluster builds it", file=sys.stderr)
        return []
    with ended_with_us(folder / "cluster"):
        cluster = AuditedCluster(folder / "cluster")
        cluster.start()
        with shop(cluster, folder / "runner") as runner:
            wait_until(lambda: ended_runs(runner) == 1, "the end of the first run")
            rounds = []
            for number in range(ROUNDS):
                time.sleep(SETTLE_SECONDS)
                place = cluster.audit.place()
                assert runner.push(commit=f"c{number}") == 202
                wait_until(lambda count=number + 2: ended_runs(runner) == count, "the end of a run")  # type: ignore[misc]
                time.sleep(SETTLE_SECONDS)
                rounds.append([each for each in cluster.audit.since(place) if _who(each) and _is_the_runs(each)])
    chosen = min(rounds, key=len)
    _show(chosen)
    counts = Counter(f"{each.verb} {each.resource}" for each in chosen)
    told = f"up to {max(map(len, rounds))} where a playbook took long; "
    told += ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return [Figure("API requests per run of one Tekton stage", "kabanero", len(chosen), "", "< 17", told)]


def _who(asked: Asked) -> str:
    return next((who for agent, who in AGENTS.items() if asked.agent.startswith(agent)), "")


def _is_the_runs(asked: Asked) -> bool:
    return not (asked.verb in BY_THE_CLOCK and not asked.name and asked.resource in ("strategyruns", "stageruns"))


def said(asked: Asked, topics: dict[str, str]) -> str:
    """One request in words that `WHY` knows; `topics` are those of events that were made before."""
    status, spec = asked.body.get("status"), asked.body.get("spec") or {}
    words = [asked.verb, asked.resource]
    if asked.resource.startswith("queuedevents"):
        topics.setdefault(asked.name, spec.get("topic", ""))
        words += [status.get("fate", "")] if isinstance(status, dict) else []
        words.append(topics[asked.name])
    elif asked.resource in ("strategyruns/status", "stageruns/status"):
        words += [_phase(asked), *_more(asked.resource, status if isinstance(status, dict) else {})]
    return " ".join(filter(None, words))


def _phase(asked: Asked) -> str:
    status = asked.body.get("status")
    return str(status.get("phase", "")) if isinstance(status, dict) else "Triggered"


def _more(resource: str, status: dict[str, Any]) -> list[str]:
    """What tells writes of one phase apart."""
    if resource == "stageruns/status":
        return [str(status.get("waitsOn", ""))]
    return [] if status.get("outbox") else ["closed" if status.get("completionTime") else "shown"]


def _show(chosen: list[Asked]) -> None:
    table = Table(title="the requests of one run of one Tekton stage")
    for column in ("", "who", "request", "why"):
        table.add_column(column, overflow="fold")
    topics: dict[str, str] = {}
    for number, each in enumerate(chosen, 1):
        words = said(each, topics)
        about = f" ({each.body['reason']})" if each.resource == "events" else ""
        table.add_row(str(number), _who(each), f"{each.verb} {each.resource}{about}", WHY.get(words, f"? {words}"))
    Console().print(table)
