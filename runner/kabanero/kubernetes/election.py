"""Which of several runners leads: the one that holds a Lease. Used by `app`.

A leader that can't renew gives up well before anybody may take the lease over, so that no two ever lead at once. Has a
client of its own, since a renewal must not queue behind other requests.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.leases import Elapsed, Leases, Watched, holder_of, now, seconds_of, since_boot
from kabanero.model.errors import AlreadyExistsError, ConflictError, KabaneroError, NotFoundError
from kabanero.model.resource import Resource
from kabanero.ports import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """How a lease is held; all in seconds.

    lease: how long after its last renewal others leave it alone.
    renew: time between two renewals.
    give_up: how long after the last renewal that went through its holder stops leading; less than `lease` by what
        stopping takes.
    look: time between two looks of who would like to lead.
    """

    lease: float = 10.0
    renew: float = 2.0
    give_up: float = 7.0
    look: float = 1.0

    @classmethod
    def lasting(cls, lease: float) -> ElectionSettings:
        """All others in their proportion to the length of the lease."""
        return cls(lease, lease / 5, lease * 0.7, lease / 10)


class Election:
    """One candidate for one lease."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        namespace: str,
        name: str,
        identity: str,
        settings: ElectionSettings | None = None,
        elapsed: Elapsed = since_boot,
    ) -> None:
        self._leases, self._clock, self._elapsed = Leases(client, namespace), clock, elapsed
        self._name, self._identity = name, identity
        self._settings = settings or ElectionSettings()
        self._watched = Watched(elapsed)
        self._held: Resource | None = None
        self._renewed = 0.0
        self.holder = ""

    @property
    def leads(self) -> bool:
        """Whether we lead now."""
        return self._held is not None and self._elapsed() - self._renewed < self._settings.give_up

    async def until_leading(self) -> None:
        """Returns when the lease is ours; outages are waited out."""
        trouble = ""
        while True:
            try:
                began = self._elapsed()
                if await self._try():
                    self._renewed = began
                    return
                trouble = ""
            except KabaneroError as error:
                if str(error) != trouble:
                    log.warning("Can't see who leads: %s", error)
                trouble = str(error)
            await self._clock.sleep(self._settings.look)

    async def until_lost(self) -> None:
        """Returns when we lead no more: somebody else does, or we could not renew for too long."""
        while self._held is not None:
            await self._clock.sleep(min(self._settings.renew, max(self._left() - self._settings.look, 0.0)))
            await self._renew()
            if self._held is not None and self._left() <= 0:
                log.error("The lease could not be renewed for %g s; not leading any more", self._settings.give_up)
                self._held = None

    def _left(self) -> float:
        return self._renewed + self._settings.give_up - self._elapsed()

    async def release(self) -> None:
        """Lets another lead at once."""
        held, self._held = self._held, None
        if held is None:
            return
        spec = {"holderIdentity": None, "leaseDurationSeconds": 1, "renewTime": now(), "acquireTime": None}
        try:
            async with asyncio.timeout(self._settings.renew):
                await self._leases.update(held, spec)
        except (KabaneroError, TimeoutError) as error:
            log.warning("The lease could not be released; it runs out by itself: %s", error)

    async def _try(self) -> bool:
        lease = await self._leases.get(self._name)
        unchanged = self._watched.unchanged_for(lease)
        try:
            if lease is None:
                self._held = await self._leases.create(self._name, self._spec(0))
                return True
            self.holder = holder_of(lease)
            if self.holder in ("", self._identity) or unchanged >= max(seconds_of(lease), self._settings.lease):
                self._held = await self._leases.update(lease, self._spec(_turns(lease) + 1))
                return True
        except (AlreadyExistsError, ConflictError, NotFoundError):
            log.debug("Another one was faster")
        return False

    def _spec(self, turns: int) -> dict[str, object]:
        self.holder = self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(round(self._settings.lease), 1),
            "acquireTime": now(),
            "renewTime": now(),
            "leaseTransitions": turns,
        }

    async def _renew(self) -> None:
        began = self._elapsed()
        try:
            async with asyncio.timeout(max(self._left(), 0.0)):
                self._held = await self._written()
            self._renewed = began
        except (KabaneroError, TimeoutError) as error:
            log.warning("The lease could not be renewed: %s", error or "no answer in time")
            await self._clock.sleep(min(self._settings.look, max(self._left(), 0.0)))

    async def _written(self) -> Resource | None:
        """The lease, renewed; None: it is another's."""
        assert self._held is not None
        try:
            return await self._leases.update(self._held, {"renewTime": now()})
        except (ConflictError, NotFoundError):
            there = await self._leases.get(self._name)
        if there is None or holder_of(there) != self._identity:
            log.error("The lease is held by %s; not leading any more", holder_of(there or {}) or "nobody")
            self.holder = holder_of(there or {})
            return None
        return await self._leases.update(there, {"renewTime": now()})


def _turns(lease: Resource) -> int:
    return int((lease.get("spec") or {}).get("leaseTransitions") or 0)
