"""Every setting of the Kubernetes store."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How the store reads.

    page: resources asked for at once when a whole list is wanted.
    remembered: resources kept in memory for reads that may be a moment old; 0: every read asks the server.
    shared: events kept of each kind that is followed, so that all who follow it share one watch; 0: each has its own.
    """

    page: int = 500
    remembered: int = 10_000
    shared: int = 1000
