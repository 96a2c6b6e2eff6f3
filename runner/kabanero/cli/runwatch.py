"""The state of one run as it changes: two watches in threads, one for the run and one for its stages.

Used by `watch`, `submit --wait` and whatever else follows a run to its end.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from kabanero.cli.catalog import STAGE_RUN, STRATEGY_RUN, ServedKind
from kabanero.cli.errors import MissingError, TimeIsUpError
from kabanero.cli.following import follow, version_of
from kabanero.cli.session import Session
from kabanero.cli.stagetree import RunView, run_view

Json = dict[str, Any]


class RunWatch:
    """Follows a run. `trouble` says why nothing comes at the moment, empty while all is well.

    `enough`: asked after each change whether to stop looking before the run has ended; looking may go on later. `told`
    is what has been printed of each stage.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session, self.name = session, name
        self._queue: queue.SimpleQueue[Json | BaseException] = queue.SimpleQueue()
        self.run: Json = {}
        self.stage_runs: dict[str, Json] = {}
        self.trouble = ""
        self.enough: Callable[[RunView], bool] = lambda _: False
        self.told: dict[str, tuple[str, int, bool]] = {}
        self._following = False

    def view(self) -> RunView:
        """The run as it is known now."""
        return run_view(self.run, self.stage_runs, datetime.now(UTC))

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return bool((self.run.get("status") or {}).get("completionTime"))

    def changes(self, tick: float, timeout: float = 0) -> Iterator[bool]:
        """Yields True after each change and False when `tick` seconds passed without one, until end or `enough`.

        `timeout` in seconds for the whole, 0: none. Raises TimeIsUpError, MissingError when the run is deleted.
        """
        if not self._following:
            self._begin(STRATEGY_RUN, f"metadata.name={self.name}")
            self._begin(STAGE_RUN, f"spec.strategyRun={self.name}")
            self._following = True
        yield True
        deadline = time.monotonic() + timeout if timeout else None
        while not (self.ended or self.enough(self.view())):
            if deadline and time.monotonic() > deadline:
                raise TimeIsUpError(f"run {self.name} has not ended after {timeout:g} seconds; it goes on")
            yield self._take(tick)

    def _take(self, wait: float) -> bool:
        """Takes in what has come; waits for the first."""
        heeded = False
        try:
            while True:
                self._heed(self._queue.get(timeout=0 if heeded else wait))
                heeded = True
        except queue.Empty:
            return heeded

    def _heed(self, change: Json | BaseException) -> None:
        if isinstance(change, BaseException):
            raise change
        found = change["object"]
        if change["type"] == "DELETED" and found["kind"] == STRATEGY_RUN.kind:
            raise MissingError(f"run {self.name} was deleted")
        if found["kind"] == STRATEGY_RUN.kind:
            self.run = found
        else:
            self.stage_runs[str(found["spec"]["stageName"])] = found

    def _begin(self, kind: ServedKind, selector: str) -> None:
        """Lists, then watches in a thread that ends with the program."""
        client, path = self._session.client, kind.path(self._session.namespace)
        query = {"fieldSelector": selector}

        def relist() -> tuple[list[Json], str]:
            page = client.get(path, query)
            return [{"kind": kind.kind, **item} for item in page["items"]], version_of(page)

        items, since = relist()
        for item in items:
            self._heed({"type": "ADDED", "object": item})
        changes = follow(client, path, query, since, relist, told=self._note_trouble)
        threading.Thread(target=self._pump, args=(changes,), daemon=True, name=f"watch-{kind.plural}").start()

    def _note_trouble(self, trouble: str) -> None:
        self.trouble = trouble

    def _pump(self, changes: Iterator[Json]) -> None:
        try:
            for change in changes:
                self._queue.put(change)
        except BaseException as error:
            self._queue.put(error)
