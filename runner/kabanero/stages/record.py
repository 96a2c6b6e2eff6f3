"""The StageRun of one attempt, as this process knows it, and the only place that writes it.

Every write carries the resourceVersion on which it was decided; after a conflict the StageRun is read and decided anew,
so that what others wrote meanwhile is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from kabanero.model.errors import ConflictError, NotFoundError, PermanentError
from kabanero.model.resource import Resource
from kabanero.stages.api import BASE, Api
from kabanero.stages.claims import Claim, Standing, attempt_of, claim_of, is_open, standing
from kabanero.stages.errors import ApiUnavailableError
from kabanero.stages.outcomes import Outcome, ended
from kabanero.stages.settings import StageSettings

CONFLICTS = 8
Change = Callable[[Resource], Resource]


def timestamp() -> str:
    """Now, in RFC 3339."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


class NotOursError(PermanentError):
    """The attempt is over, or another's; the text says how."""


class Record:
    """`resource` is the newest state known. Used by the attempt's keeper alone. Requests end after `renew_every`."""

    def __init__(self, api: Api, stage_run: Resource, holder: str, settings: StageSettings) -> None:
        metadata = stage_run["metadata"]
        self.resource = stage_run
        self.attempt = attempt_of(stage_run)
        self._uid: str = metadata["uid"]
        self._path = f"{BASE}/namespaces/{metadata['namespace']}/stageruns/{metadata['name']}"
        self._api, self._holder, self._settings = api, holder, settings

    def claim(self) -> Claim:
        """A claim of this process, renewed now."""
        return Claim(self._holder, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", self._settings.gone_after)

    def refresh(self) -> None:
        """Reads it anew. Raises NotOursError when it was deleted; ApiUnavailableError."""
        try:
            self.resource = self._api.get(self._path, seconds=self._settings.renew_every)
        except NotFoundError:
            raise NotOursError("its StageRun was deleted") from None
        if self.resource["metadata"]["uid"] != self._uid:
            raise NotOursError("its StageRun was deleted")

    def check(self) -> None:
        """Raises NotOursError when this process may not carry the attempt out any more. A cancel wish is no reason."""
        status, now = self.resource.get("status") or {}, attempt_of(self.resource)
        claim = claim_of(self.resource)
        if now != self.attempt:
            raise NotOursError(f"attempt {now} has begun")
        if not is_open(self.resource):
            raise NotOursError(f"it has ended as {status.get('phase')}: {status.get('message') or '-'}")
        if claim is None or claim.holder != self._holder:
            raise NotOursError(f"{claim.holder if claim else 'nobody'} has the claim")

    def write(self, change: Change) -> None:
        """Writes a change while the attempt is ours. Raises NotOursError, RefusedError, ApiUnavailableError."""
        self._write(change, self.check)

    def take(self, change: Change, gone: Claim | None = None) -> None:
        """Writes a change while nobody has the attempt, or he who had the claim `gone`. Raises as `write`."""
        if gone is not None:
            self.refresh()
        self._write(change, lambda: self._check_takeable(gone))

    def end_of(self, gone: Claim, outcome: Outcome) -> None:
        """Ends the attempt of the one who had the claim `gone`. Raises as `write`."""
        self.take(lambda now: ended(now, outcome, timestamp()), gone)

    def _check_takeable(self, gone: Claim | None) -> None:
        what = standing(self.resource, self._holder)
        left = what is Standing.TAKEN and claim_of(self.resource) == gone
        if attempt_of(self.resource) != self.attempt or not (left or what in (Standing.FREE, Standing.OURS)):
            raise NotOursError(f"it is {what.value}")

    def _write(self, change: Change, check: Callable[[], None]) -> None:
        for _ in range(CONFLICTS):
            check()
            try:
                wanted = change(self.resource)
                self.resource = self._api.put(f"{self._path}/status", wanted, seconds=self._settings.renew_every)
                return
            except ConflictError:
                self.refresh()
            except NotFoundError:
                raise NotOursError("its StageRun was deleted") from None
        raise ApiUnavailableError(f"{self._path} keeps changing")
