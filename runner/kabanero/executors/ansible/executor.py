"""AnsibleExecutor: the runner's side of the Executor port. It starts drivers, waits for them, and reads what they left.

It knows nothing that is not in the jobs' folders: a runner that was killed is replaced by one that looks there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from kabanero.executors.ansible import traces
from kabanero.executors.ansible.endings import Endings, gone
from kabanero.executors.ansible.job import Job, needs_cold
from kabanero.executors.ansible.observing import ENDED, PROGRESS
from kabanero.executors.ansible.processes import kill_below, kill_marked
from kabanero.executors.ansible.server_link import ServerLink, start_cold
from kabanero.executors.ansible.settings import AnsibleExecutorSettings
from kabanero.model.errors import ExecutorUnavailableError, NotFoundError
from kabanero.ports import BEGUN, Clock, Progress, Work, WorkResult, WorkStatus, ignore_progress

PIECE = 65536
FOLLOW_SECONDS = 0.2
LOOK_SECONDS, QUIET_LOOKS = 0.5, 3
"""What was interrupted has left nothing running when so many looks, so far apart, found nothing."""
INTERRUPTED = "the work was broken off with the machine under it; nobody knows how far it came"
Report = Callable[[Progress], None]


class AnsibleExecutor:
    """Carries playbooks out. Open it with `open`."""

    def __init__(self, settings: AnsibleExecutorSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._folder = settings.data_dir.absolute() / "artifacts"
        self._errors = settings.data_dir.absolute() / "executor.log"
        self._slots = asyncio.Semaphore(settings.max_parallel)
        self._reports: dict[str, Report] = {}
        self._endings = Endings()
        self._link = ServerLink(settings.project_dir, self._environment(), self._errors, self._hear)
        self._preparing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: AnsibleExecutorSettings, clock: Clock) -> AnsibleExecutor:
        """Makes the folder and begins to load Ansible in the background."""
        executor = cls(settings, clock)
        executor._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if settings.warm:
            executor._preparing = asyncio.create_task(executor._link.prepare())
        return executor

    def _environment(self) -> Mapping[str, str]:
        path = self._settings.collections_path
        return {"ANSIBLE_COLLECTIONS_PATH": path} if path else {}

    # --- carrying out ---

    async def carry_out(self, work: Work, report: Report = ignore_progress) -> WorkResult:
        """As `Executor.carry_out`."""
        folder = self._folder / work.ident
        result = traces.result_of(folder)
        if result is None and traces.driver_of(folder) is None:
            async with self._slots:
                return await self._carry(work, folder, report)
        return result or await self._carry(work, folder, report)

    async def _carry(self, work: Work, folder: Path, report: Report) -> WorkResult:
        self._reports[work.ident] = report
        report(Progress(work.ident, BEGUN))
        try:
            driver = traces.driver_of(folder)
            if driver is None:
                await self._begin(work, folder)
                driver = traces.driver_of(folder)
            if driver is not None:
                await self._ended(driver, work.ident)
            return traces.result_of(folder) or await self._without_result(work, folder)
        finally:
            self._reports.pop(work.ident, None)

    async def _begin(self, work: Work, folder: Path) -> None:
        """Starts a driver and returns when it has left a result, or has ended without one."""
        job = self._job(work, folder)
        pid = None
        with self._endings.of(work.ident) as ended:
            if self._settings.warm and not needs_cold(job.environment):
                pid = await self._link.start(job)
            if pid is None:
                pid = await start_cold(job, self._environment(), self._errors)
            await gone(pid, ended)

    async def _ended(self, driver: traces.Process, ident: str) -> None:
        """Returns when a driver, ours or one of an earlier runner, has done this job or has ended."""
        with self._endings.of(ident) as ended:
            if driver.alive and traces.result_of(self._folder / ident) is None:
                await gone(driver.pid, ended)

    def _job(self, work: Work, folder: Path) -> Job:
        return Job(
            work.ident,
            str(folder),
            str(self._settings.project_dir),
            work.playbook,
            dict(work.extra_vars),
            dict(work.environment),
            work.timeout,
            work.verbosity,
            self._settings.log_limit,
            self._settings.direct,
            self._settings.inline,
        )

    async def _without_result(self, work: Work, folder: Path) -> WorkResult:
        """The driver is gone and left no result: it was killed, or never came to make its claim."""
        if traces.driver_of(folder) is None:
            reason = traces.cancelled(folder)
            if reason is None:
                raise ExecutorUnavailableError(f"the driver of {work.ident} did not start; see {self._errors}")
            result = WorkResult(WorkStatus.CANCELLED, "Cancelled", reason or "cancelled before it began")
        elif (reason := traces.cancelled(folder)) is not None:
            result = WorkResult(WorkStatus.CANCELLED, "Cancelled", reason or "cancelled on request")
        else:
            result = WorkResult(WorkStatus.ERRORED, "Interrupted", INTERRUPTED)
        await self._clear_away(folder)
        traces.write_result(folder, result)
        return result

    async def _clear_away(self, folder: Path) -> None:
        """Ends what a driver that was killed left running, before anybody may do the work again."""
        quiet = 0
        while quiet < QUIET_LOOKS:
            quiet = 0 if await asyncio.to_thread(kill_marked, folder) else quiet + 1
            await asyncio.sleep(LOOK_SECONDS)

    def _hear(self, ident: str, event: str, task: str, host: str) -> None:
        if event == ENDED:
            self._endings.told(ident)
            return
        report = self._reports.get(ident)
        if report is None:
            return
        now = datetime.now(UTC)
        if event == PROGRESS:
            report(Progress(ident, event, time=now, percent=int(host) if host else None, message=task))
        else:
            report(Progress(ident, event, task, host, now))

    # --- ending ---

    async def cancel(self, ident: str, reason: str = "") -> None:
        """As `Executor.cancel`."""
        folder = self._folder / ident
        if traces.result_of(folder) is not None:
            return
        traces.mark_cancelled(folder, reason)
        driver = traces.driver_of(folder)
        if driver is None or not driver.alive:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(driver.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._settings.kill_after):
                await self._ended(driver, ident)
        except TimeoutError:
            if traces.result_of(folder) is not None:
                return
            kill_below(driver.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(driver.pid, signal.SIGKILL)

    async def discard(self, ident: str) -> None:
        """As `Executor.discard`."""
        folder = self._folder / ident
        if traces.result_of(folder) is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def log(self, ident: str, *, follow: bool = False) -> AsyncIterator[bytes]:
        """As `Executor.log`."""
        path = self._folder / ident / traces.LOG
        if not path.exists():
            raise NotFoundError(f"{ident} has printed nothing")
        with path.open("rb") as file:
            while True:
                ended = traces.result_of(path.parent) is not None
                while piece := file.read(PIECE):
                    yield piece
                if ended or not follow:
                    return
                await self._clock.sleep(FOLLOW_SECONDS)

    async def close(self, *, cancel: bool = False) -> None:
        """As `Executor.close`."""
        if self._preparing:
            await self._preparing
        if cancel:
            await asyncio.gather(*(self.cancel(ident, "the runner was stopped") for ident in list(self._reports)))
        await self._link.close()
