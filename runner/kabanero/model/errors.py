"""Every error that crosses a layer, as a type that says whether it may be retried.

Adapters raise these instead of their library's own errors, so that controllers and the API server decide by type.
The docstring of an error is what it means; `str(error)` is the sentence for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class KabaneroError(Exception):
    """The root of all errors of the product. `retryable` says whether trying again can help without a change."""

    retryable: ClassVar[bool] = False


class TemporaryError(KabaneroError):
    """Something outside is away or busy: the same call may go through later."""

    retryable = True


class PermanentError(KabaneroError):
    """The same call will fail again until somebody changes something."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in an input: where, why, and what would mend it.

    `path` is a field path (`spec.stageBindings[2].triggers[0]`), `line` is 1-based in the text that was read, if any.
    """

    path: str
    reason: str
    fix: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = ": ".join(part for part in (f"line {self.line}" if self.line else "", self.path, self.reason) if part)
        return place + (f" ({self.fix})" if self.fix else "")


class InvalidError(PermanentError):
    """The input breaks the rules of its kind; `problems` names every place."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        self.what = what
        self.problems = tuple(problems)
        super().__init__(f"{what} is invalid: " + "; ".join(str(problem) for problem in self.problems))


class AddressError(PermanentError):
    """An address can't be listened at: another program does, or it is none of this machine's."""


class NotFoundError(PermanentError):
    """No such resource."""


class AlreadyExistsError(PermanentError):
    """A resource of this name is there already. With derived names it means: this was done before."""


class ConflictError(TemporaryError):
    """The resource has changed since it was read: read it again and redo the change."""


class ExpiredError(PermanentError):
    """The resourceVersion or continue token is older than what the store still remembers (HTTP 410): list again."""


class StoreUnavailableError(TemporaryError):
    """The store can't be reached, is locked, or can't write (disk full). Nothing was written."""


class ForbiddenError(TemporaryError):
    """The store's server does not let us do it: a permission is missing, or it does not know us.

    Temporary, since permissions are granted while a runner is up: what waits goes on by itself then. `verb`, `resource`
    (`stageruns/status`) and `namespace` (empty: all) say what was tried.
    """

    def __init__(self, message: str, verb: str = "", resource: str = "", namespace: str = "") -> None:
        self.verb, self.resource, self.namespace = verb, resource, namespace
        super().__init__(message)


class KindMissingError(TemporaryError):
    """The store's server does not serve this kind (yet): its CustomResourceDefinition is not there."""


class BusUnavailableError(TemporaryError):
    """The bus can't take events now. Nothing was acknowledged."""


class JobRefusedError(PermanentError):
    """A job server does not do what was asked of it. `reason` is one CamelCase word, for programs."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ExecutorUnavailableError(TemporaryError):
    """The executor can't start work now; the work was not started."""
