"""That a runner is alive, whether or not it leads: each renews a Lease of its own. Used by `app`.

Work that must not be begun twice belongs to the runner that began it. Others may only take it for lost when that runner
was silent for long; and a runner that can't be heard ends such work before that time has come. The time is much longer
than a leader's lease, so that an outage of the API server ends nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.leases import LEASE, Elapsed, Leases, Watched, now, since_boot
from kabanero.model.errors import AlreadyExistsError, ConflictError, InvalidError, KabaneroError, NotFoundError, Problem
from kabanero.ports import Clock

log = logging.getLogger(__name__)
LABEL = "kabanero.io/replica"
SWEEP_AFTER = timedelta(days=1)
RENEWALS = 9
"""Renewals in the time after which a silent runner counts as gone."""
SAFE_PART = 0.8
"""The part of that time after which a runner that can't be heard ends its work."""


class Presence:
    """One runner, and what it knows of others. `gone_after` is in seconds."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        namespace: str,
        instance: str,
        identity: str,
        gone_after: float,
        elapsed: Elapsed = since_boot,
    ) -> None:
        self.identity, self._namespace = identity, namespace
        self._leases, self._clock, self._elapsed = Leases(client, namespace), clock, elapsed
        self._instance, self._gone_after = instance, gone_after
        self._every = gone_after / RENEWALS
        self._heard, self._silent = elapsed(), False
        self.announced = asyncio.Event()

    async def begin(self) -> None:
        """Tells others for the first time. Raises InvalidError where the namespace is not there: nothing could be kept.

        Whatever else is in the way may pass, and is told by `run`.
        """
        try:
            async with asyncio.timeout(self._every):
                await self._announce()
        except NotFoundError as error:
            fix = f"kubectl create namespace {self._namespace}; or name another one, which is there"
            raise InvalidError(
                "kubernetes.namespace", [Problem(self._namespace, "is not on the cluster", fix)]
            ) from error
        except (KabaneroError, TimeoutError) as error:
            log.debug("Others are told later that we are here: %s", error)

    async def run(self, silenced: Callable[[], Awaitable[None]]) -> None:
        """Renews until cancelled; calls `silenced` each time that we could not be heard for too long.

        It is called again until it goes through, and whatever breaks is no reason to fall silent for ever.
        """
        while True:
            began = self._elapsed()
            try:
                async with asyncio.timeout(self._every):
                    await self._announce()
                self._heard, self._silent = began, False
                self.announced.set()
            except (KabaneroError, TimeoutError) as error:
                log.warning("Can't tell others that we are here: %s", error or "no answer in time")
            except Exception:
                log.exception("Can't tell others that we are here")
            if not self._silent and self._elapsed() - self._heard >= self._gone_after * SAFE_PART:
                log.error("Not heard for %g s: ending work that others may take for lost", self._gone_after * SAFE_PART)
                self._silent = await _went_through(silenced)
            await self._clock.sleep(self._every if not self._lags(began) else 1.0)

    def _lags(self, began: float) -> bool:
        return self._heard < began

    async def leave(self) -> None:
        """We go and leave no work behind: nobody need wait for us."""
        try:
            async with asyncio.timeout(self._every):
                await self._leases.delete(self._name(self.identity))
        except (KabaneroError, TimeoutError) as error:
            log.debug("Others will notice later that we are gone: %s", error)

    async def gone(self, identity: str) -> None:
        """Returns when that runner counts as gone. One that left is, after a moment in which it may come back."""
        watched = Watched(self._elapsed)
        while True:
            try:
                lease = await self._leases.get(self._name(identity))
                unchanged = watched.unchanged_for(lease)
                if unchanged >= (self._gone_after if lease else self._every):
                    return
            except KabaneroError as error:
                log.warning("Can't see whether %s is here: %s", identity, error)
            await self._clock.sleep(self._every / 2)

    def reference(self) -> Mapping[str, str]:
        """What messages about this runner are attached to."""
        name = self._name(self.identity)
        return {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "namespace": self._namespace, "name": name}

    async def sweep(self) -> None:
        """Deletes what runners have left that were killed long ago."""
        limit = datetime.now(UTC) - SWEEP_AFTER
        for lease in await self._leases.labelled(f"{LABEL}={self._instance}"):
            if datetime.fromisoformat(lease["spec"].get("renewTime") or "1970-01-01T00:00:00Z") < limit:
                await self._leases.delete(lease["metadata"]["name"])

    async def _announce(self) -> None:
        lease = await self._leases.get(self._name(self.identity))
        spec = {"holderIdentity": self.identity, "leaseDurationSeconds": round(self._gone_after), "renewTime": now()}
        try:
            if lease is None:
                await self._leases.create(self._name(self.identity), spec, {LABEL: self._instance})
            else:
                await self._leases.update(lease, spec)
        except (AlreadyExistsError, ConflictError):
            log.debug("Our own lease was changed meanwhile")

    def _name(self, identity: str) -> str:
        return f"{self._instance}-replica-{identity}"


async def _went_through(silenced: Callable[[], Awaitable[None]]) -> bool:
    try:
        await silenced()
    except Exception as error:
        log.error("Work that others may take for lost could not be ended, and is tried again: %r", error)
        return False
    return True
