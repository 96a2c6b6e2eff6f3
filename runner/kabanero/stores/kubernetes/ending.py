"""Ends one watch from outside, whatever it waits for. Used by `watching` and `sharing`."""

from __future__ import annotations

from collections.abc import Callable

from kabanero.kubernetes.streaming import Stream


class Ending:
    """`stream` is the connection that the watch reads from, `wake` lets it look when it waits for something else."""

    def __init__(self) -> None:
        self._ended = False
        self.stream: Stream | None = None
        self.wake: Callable[[], None] | None = None

    def ended(self) -> bool:
        """Whether it is over."""
        return self._ended

    def end(self) -> None:
        """The watch is over."""
        self._ended = True
        if self.stream:
            self.stream.end()
        if self.wake:
            self.wake()
