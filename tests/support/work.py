"""An executor that plays no playbook, for tests of what hands work to one. The real one has tests of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from kabanero.model.errors import NotFoundError
from kabanero.ports import BEGUN, Progress, Work, WorkResult, WorkStatus, ignore_progress

Ending = WorkResult | None
SUCCESS = WorkResult(WorkStatus.SUCCEEDED)


class ScriptedExecutor:
    """Keeps the port's promises in memory; outlives the controllers, as real work outlives the runner.

    `endings` names how an attempt of a stage ends (`FVT.1`), or a stage (`FVT`); None goes on until it is cancelled.
    Work that comes while it `is_full` waits for its turn.
    """

    def __init__(self, endings: Mapping[str, Ending] | None = None) -> None:
        self.endings: dict[str, Ending] = dict(endings or {})
        self.is_full = False
        self.begun: Counter[str] = Counter()
        self.works: dict[str, Work] = {}
        self.discarded: list[str] = []
        self._ends: dict[str, asyncio.Future[WorkResult]] = {}

    async def carry_out(self, work: Work, report: Callable[[Progress], None] = ignore_progress) -> WorkResult:
        """Claims, begins and ends at once, if it is not to go on."""
        if work.ident not in self._ends:
            self._ends[work.ident] = asyncio.get_running_loop().create_future()
            self.works[work.ident] = work
            self.begun[self.name_of(work)] += 1
            ending = self._ending(work)
            if ending:
                self._ends[work.ident].set_result(ending)
        if not self.is_full and not self._ends[work.ident].done():
            report(Progress(work.ident, BEGUN))
        return await asyncio.shield(self._ends[work.ident])

    def name_of(self, work: Work) -> str:
        """Run, stage and attempt of a piece of work."""
        variables = work.extra_vars
        return f"{variables['strategy_run']} {variables['stage_name']}.{work.ident.rsplit('.', 1)[1]}"

    def _ending(self, work: Work) -> Ending:
        attempt = self.name_of(work).split(" ", 1)[1]
        stage = str(work.extra_vars["stage_name"])
        return self.endings.get(attempt, self.endings.get(stage, SUCCESS))

    def end_all(self, name: str, result: WorkResult = SUCCESS) -> None:
        """Ends the work of this name (`RUN STAGE.ATTEMPT`) that goes on."""
        for ident, work in self.works.items():
            if self.name_of(work) == name and not self._ends[ident].done():
                self._ends[ident].set_result(result)

    async def cancel(self, ident: str, reason: str = "") -> None:
        """Work that was never begun never begins."""
        future = self._ends.setdefault(ident, asyncio.get_running_loop().create_future())
        if not future.done():
            future.set_result(WorkResult(WorkStatus.CANCELLED, "Cancelled", reason))

    async def log(self, ident: str, *, follow: bool = False) -> AsyncIterator[bytes]:
        """Nothing is printed."""
        raise NotFoundError(ident)
        yield b""

    async def discard(self, ident: str) -> None:
        """Remembers it."""
        self.discarded.append(ident)

    async def close(self, *, cancel: bool = False) -> None:
        """Nothing is held."""


def failed(message: str = "no") -> WorkResult:
    """The work itself failed."""
    return WorkResult(WorkStatus.FAILED, "PlaybookFailed", message)


def made(**outputs: Any) -> WorkResult:
    """The work succeeded, with outputs."""
    return WorkResult(WorkStatus.SUCCEEDED, outputs=outputs)
