"""Follows the StageRuns of one kind that wait for a controller like this one: a list, then a watch, for ever.

One thread for each kind. Only what is open is asked for, so thousands of ended StageRuns cost nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

from kabanero.model.errors import ExpiredError, KabaneroError
from kabanero.model.kinds.runs import WaitsOn
from kabanero.model.resource import Resource
from kabanero.stages.api import BASE, Api

log = logging.getLogger("kabanero.stages")
RETRY_SECONDS = 1.0


class Listener(Protocol):
    """Who hears of the StageRuns of a kind. Called by the follower's thread."""

    def listed(self, kind: str, stage_runs: Sequence[Resource]) -> None:
        """All that are open now; what is not among them is not open any more."""

    def changed(self, kind: str, stage_run: Resource) -> None:
        """It is open, as it is here."""

    def closed(self, kind: str, stage_run: Resource) -> None:
        """It has ended, or was deleted."""

    def in_touch(self, kind: str, in_touch: bool) -> None:
        """Whether the API server talks to us."""


class Follower:
    """Follows until `stopping` is set. `namespace` empty: all namespaces."""

    def __init__(self, api: Api, kind: str, namespace: str, listener: Listener, stopping: threading.Event) -> None:
        self._api, self._kind, self._listener, self._stopping = api, kind, listener, stopping
        self._path = f"{BASE}/namespaces/{namespace}/stageruns" if namespace else f"{BASE}/stageruns"
        self._query = {"fieldSelector": f"spec.stageRef.kind={kind},status.waitsOn={WaitsOn.EXTERNAL.value}"}
        self._since = ""

    def start(self) -> None:
        """Begins, in a thread of its own."""
        threading.Thread(target=self._run, name=f"follow-{self._kind}", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._once()
            except ExpiredError as error:
                log.info("Lists the StageRuns of %s again: %s", self._kind, error)
                self._since = ""
            except KabaneroError as error:
                log.warning("Can't follow the StageRuns of %s: %s", self._kind, error)
                self._listener.in_touch(self._kind, False)
            except Exception:
                log.exception("Can't follow the StageRuns of %s", self._kind)
                self._listener.in_touch(self._kind, False)
            else:
                continue
            self._stopping.wait(RETRY_SECONDS)

    def _once(self) -> None:
        """One watch, from where the last one ended; before the first a list."""
        if not self._since:
            found, self._since = self._api.list(self._path, self._query)
            self._listener.listed(self._kind, found)
        changes = self._api.watch(self._path, self._query, self._since)
        self._listener.in_touch(self._kind, True)
        self._tell(changes)

    def _tell(self, changes: Iterator[tuple[str, Resource]]) -> None:
        for change, stage_run in changes:
            if change == "DELETED":
                self._listener.closed(self._kind, stage_run)
            elif change != "BOOKMARK":
                self._listener.changed(self._kind, stage_run)
            self._since = str(stage_run["metadata"]["resourceVersion"])
