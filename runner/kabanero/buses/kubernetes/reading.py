"""Passes the feed's news on to the consumers of this process. Used by `bus`."""

from __future__ import annotations

from kabanero.buses.kubernetes.backlog import Backlog
from kabanero.buses.kubernetes.consuming import Consuming
from kabanero.buses.kubernetes.objects import name_in
from kabanero.model.resource import Resource


class Reading:
    """The consumers, and what they hear."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._consumings: dict[str, Consuming] = {}
        self._listing: set[str] | None = None
        self._is_listed = False

    def consuming(self, name: str) -> Consuming | None:
        """The consumer of this name, if it is at work."""
        return self._consumings.get(name)

    def join(self, consuming: Consuming) -> None:
        """One more, which hears what is known already."""
        self._consumings[consuming.consumer.name] = consuming
        if self._is_listed:
            self._tell_all(consuming)

    def _tell_all(self, consuming: Consuming) -> None:
        for entry in sorted(self._backlog.entries.values(), key=lambda each: each.sequence):
            consuming.told(entry)

    def listing(self, body: Resource) -> None:
        """As `feed.Listener`. In the order of names, so that nobody is told before all are there."""
        if self._listing is None:
            self._listing = set()
        self._listing.add(name_in(body))
        self._backlog.take_in(body)

    def listed(self) -> None:
        """As `feed.Listener`."""
        there, self._listing = self._listing or set(), None
        for name in [name for name in self._backlog.entries if name not in there]:
            self._backlog.drop(name)
        self._is_listed = True
        for consuming in self._consumings.values():
            consuming.only(there)
            self._tell_all(consuming)

    def changed(self, body: Resource) -> None:
        """As `feed.Listener`."""
        if entry := self._backlog.take_in(body):
            for consuming in self._consumings.values():
                consuming.told(entry)

    def gone(self, name: str) -> None:
        """As `feed.Listener`."""
        self._backlog.drop(name)
        for consuming in self._consumings.values():
            consuming.gone(name)

    def room(self) -> None:
        """The ledger was written."""
        for consuming in self._consumings.values():
            consuming.room()

    async def close(self) -> None:
        """Ends all subscriptions, and forgets what was heard."""
        for consuming in self._consumings.values():
            await consuming.close()
        self._consumings.clear()
        self._listing, self._is_listed = None, False
