"""Work that begins beside the write that says so, and the word that the write is durable.

Where a write is a request to a server, waiting for it before the work begins would be half of what a stage waits. Work
that may begin twice need not wait: after a crash in between the stage is triggered again, and finds what was made. All
that follows from the work waits for the word.

Given by the outbox, heeded by the stage_run controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kabanero.model.errors import ConflictError
from kabanero.model.kinds.runs import StagePhase
from kabanero.model.resource import Resource
from kabanero.ports import Write


class Durable:
    """Whether what work relies on has been written."""

    def __init__(self) -> None:
        self._settled, self._is_written = asyncio.Event(), False

    def settle(self, *, written: bool) -> None:
        """The write has ended."""
        self._is_written = written
        self._settled.set()

    async def wait(self) -> None:
        """Returns when it is durable. Raises ConflictError when it could not be written."""
        await self._settled.wait()
        if not self._is_written:
            raise ConflictError("the beginning of the stage could not be written")


ALREADY = Durable()
ALREADY.settle(written=True)
Begin = Callable[[Resource, Durable], None]
Announce = Callable[[Sequence[Write]], None]


@contextmanager
def head_start(begin: Begin | None) -> Iterator[Announce]:
    """Around writes that may be tried more than once: what is announced begins, and hears how the writes ended."""
    durable = Durable()

    def announce(writes: Sequence[Write]) -> None:
        for write in writes:
            if begin and _triggers(write):
                begin(write.resource, durable)

    try:
        yield announce
    except BaseException:
        durable.settle(written=False)
        raise
    durable.settle(written=True)


def _triggers(write: Write) -> bool:
    """Whether it starts a stage of a StageRun that is there already."""
    if write.verb != "update_status" or not write.resource["metadata"].get("uid"):
        return False
    return bool(write.resource["status"].get("phase") == StagePhase.TRIGGERED)
