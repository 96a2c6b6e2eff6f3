"""The only interfaces between the engine's side and the world: Store, Bus, Executor, Clock.

Controllers and the API server are written against these; `stores/`, `buses/` and `executors/` implement them and
`app` wires them. One contract suite per port (tests/contract) runs over every adapter. Semantics are those of the
weakest adapter: a Kubernetes API server and a message broker share no transaction.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from kabanero.model.errors import KabaneroError
from kabanero.model.events import Event
from kabanero.model.resource import Key, Resource, ResourceType
from kabanero.model.selectors import EVERYTHING, Selector

# --- Store ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `resource_version` is where a watch continues; `next_token` is empty on the last page."""

    items: list[Resource]
    resource_version: str
    next_token: str = ""
    remaining: int = 0


class Change(enum.StrEnum):
    """What a watch says of a resource, in Kubernetes' words."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change, or a bookmark whose resource carries only kind and resourceVersion."""

    change: Change
    resource: Resource


@dataclass(frozen=True, slots=True)
class Write:
    """One of many writes given together to `Store.write_all`. They are independent: one may fail alone."""

    verb: Literal["create", "update", "update_status"]
    resource: Resource


class Store(Protocol):
    """Resources with the Kubernetes API's semantics.

    Stores know nothing of a kind's rules: validation and defaults happen before. They own metadata: uid,
    creationTimestamp, resourceVersion, generation (counts changes outside metadata and status), deletionTimestamp,
    generateName, finalizers, ownerReferences with garbage collection (background by default).

    Every method raises StoreUnavailableError when the store can't be reached or can't write. Then nothing was written,
    but where a network lies in between nobody can know that: the caller must be able to do it again. A store on another
    server also raises ForbiddenError and KindMissingError, temporary both, since somebody can grant or install it.
    Resources given in are not modified; resources handed out may be shared: treat them as read-only.
    """

    async def create(self, resource: Resource, *, dry_run: bool = False) -> Resource:
        """Raises AlreadyExistsError; NotFoundError when its namespace is not there (embedded: made on demand)."""

    async def get(self, key: Key, *, recent: bool = False) -> Resource:
        """Raises NotFoundError.

        With `recent` it may be a moment old, except for what was written through this store. That is good enough for
        who writes it back with its resourceVersion, or reads what people have written, and saves a request to a store
        that is far away. What was not heard of is asked for.
        """

    async def list(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        limit: int = 0,
        token: str = "",
        at: str = "",
        recent: bool = False,
    ) -> Page:
        """All of a kind, in the order of namespace and name; `namespace` empty means every one, `limit` 0 all.

        With `limit`, pages of one list show one state of the store: the present one, or that of resourceVersion `at`.
        `recent` is as for `get`, and for lists without `limit` of kinds of which there are few.
        Raises ExpiredError for a token or version too old.
        """

    async def update(self, resource: Resource, *, status: bool = False, dry_run: bool = False) -> Resource:
        """Writes all but status, or with `status` the status alone. A write that changes nothing makes no new version.

        A resourceVersion in it must be the current one, else ConflictError; without one it overwrites. A uid in it
        must be the resource's, else ConflictError. Raises NotFoundError.
        """

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        dry_run: bool = False,
    ) -> Resource:
        """Removes it, or sets deletionTimestamp while finalizers remain; the removal comes with the last of them.

        Returns the resource as last seen. Raises NotFoundError, ConflictError when uid or version is another.
        """

    async def write_all(self, writes: Sequence[Write]) -> Sequence[Resource | KabaneroError]:
        """Many writes in one go; the answers stand in the order of the writes, errors as values.

        No promise that all or none happen: an adapter may commit them together, a caller may not rely on it.
        """

    def watch(
        self,
        type: ResourceType,
        *,
        namespace: str = "",
        selector: Selector = EVERYTHING,
        since: str = "",
        bookmarks: bool = False,
        timeout: float | None = None,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after version `since`, then live, in order, until closed or `timeout` seconds are over.

        `since` empty: first an ADDED for each resource that is there. A resource that stops matching the selector is
        DELETED to this watch, one that starts matching is ADDED. Raises ExpiredError when `since` is too old.
        """

    async def learn(self, type: ResourceType) -> None:
        """Takes in a kind that was declared after the store was opened (by a StageKind); a known one changes nothing.

        On Kubernetes the kind's CRD must be there.
        """

    async def find_type(self, api_version: str, kind: str) -> ResourceType | None:
        """The kind as this store holds it, also one that is not ours; None when it holds no such kind.

        On Kubernetes the API server is asked, and asked again for a kind that was not there before.
        """

    async def all_types(self) -> Sequence[ResourceType]:
        """All kinds that can be listed and watched now; of several versions of one the store's preferred one."""

    async def close(self) -> None:
        """Ends watches and releases what is held. What was answered is durable without it."""


# --- Bus --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """`sequence` rises with every event of the bus. `duplicate`: this identity was there before; nothing was added."""

    sequence: int
    duplicate: bool


class Fate(enum.StrEnum):
    """What became of an event for one consumer."""

    PENDING = "Pending"
    HANDLED = "Handled"
    DEAD = "Dead"


@dataclass(frozen=True, slots=True)
class Handling:
    """What one consumer did with one event: `note` is its own word (which runs were started, why it gave up)."""

    consumer: str
    fate: Fate
    attempts: int = 0
    note: str = ""
    next_attempt: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the bus keeps it, with what its consumers did with it."""

    sequence: int
    event: Event
    handlings: tuple[Handling, ...] = ()


class Delivery(Protocol):
    """One event handed to one consumer. Exactly one of ack, retry and dead must be called."""

    @property
    def event(self) -> Event:
        """What happened."""

    @property
    def sequence(self) -> int:
        """Its place in the bus."""

    @property
    def attempt(self) -> int:
        """1 for the first time; a crash of the consumer counts as an attempt only when the bus can tell."""

    async def ack(self, note: str = "") -> None:
        """Done; never delivered to this consumer again. May return before it is durable: redelivery is harmless."""

    async def retry(self, reason: str) -> None:
        """Deliver again after a growing back-off; past the last attempt it is dead with this reason."""

    async def dead(self, reason: str) -> None:
        """Can't be handled: to the dead letters, with the reason, from where it can be replayed."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of the bus, by name. Reads events of `topics`, or of all topics but `but_not`."""

    name: str
    topics: frozenset[str] = frozenset()
    but_not: frozenset[str] = frozenset()
    max_in_flight: int = 256
    max_attempts: int = 8

    def wants(self, topic: str) -> bool:
        """Whether an event of this topic is delivered to it."""
        return topic in self.topics if self.topics else topic not in self.but_not


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Selects kept events. Empty fields select all; `before`/`after` are sequences, exclusive; newest first."""

    id: str = ""
    topic: str = ""
    path_glob: str = ""
    context: str = ""
    fate: Fate | None = None
    consumer: str = ""
    after: int = 0
    before: int = 0
    limit: int = 100


class Bus(Protocol):
    """Events, at least once, in order per ordering key, with redelivery, dead letters and replay.

    Raises BusUnavailableError when events can't be made durable.
    """

    async def publish(self, events: Sequence[Event], *, not_before: datetime | None = None) -> Sequence[Published]:
        """Durable when it returns; concurrent calls share a commit. `not_before` holds delivery back: a timer."""

    def subscribe(self, consumer: Consumer) -> AsyncIterator[Delivery]:
        """Deliveries for a consumer, what is not acknowledged yet first. A new consumer starts at the oldest event.

        While one event of an ordering key is in flight or backs off, later ones of that key wait.
        """

    async def find(self, query: EventQuery) -> Sequence[StoredEvent]:
        """Kept events, newest first."""

    async def replay(self, query: EventQuery, *, consumer: str = "") -> int:
        """Delivers selected events once more to one consumer or to all that want them; returns how many."""

    async def close(self) -> None:
        """Ends subscriptions and releases what is held."""


# --- Executor ---------------------------------------------------------------------------------------------------------


class WorkStatus(enum.StrEnum):
    """How a piece of work ended. `Failed`: the work itself failed. `Errored`: the machinery did."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERRORED = "Errored"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    WAITING = "Waiting"


@dataclass(frozen=True, slots=True)
class Work:
    """One playbook to be carried out once.

    `ident` names it for ever (StageRun and attempt): lower-case letters, digits, `-` and `.`, 253 characters at most.
    `playbook` is an FQCN or a path inside the project folder. `extra_vars` are data from outside: the playbook sees
    them as unsafe text, never as templates. `environment` may hold secrets and is never written to artifacts or logs.
    `timeout` is in seconds, 0 for none.
    """

    ident: str
    playbook: str
    extra_vars: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 0
    verbosity: int = 0


@dataclass(frozen=True, slots=True)
class WorkResult:
    """What came of it. `waiting_for` is set when status is WAITING: the object to be watched, as the playbook gave it.

    `reason` is one CamelCase word, `message` a sentence for a person (the failed task and its message).
    """

    status: WorkStatus
    reason: str = ""
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    waiting_for: Mapping[str, Any] | None = None
    started: datetime | None = None
    finished: datetime | None = None
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """A line of news from running work: the task that just began or ended, or how far the work itself says it is.

    The latter has the event `progress`, with `percent` (0-100) or a `message` for people.
    """

    ident: str
    event: str
    task: str = ""
    host: str = ""
    time: datetime | None = None
    percent: int | None = None
    message: str = ""


def ignore_progress(_: Progress) -> None:
    """For callers that want no news."""


class Executor(Protocol):
    """Carries work out, each ident at most once, across restarts of the runner."""

    async def carry_out(self, work: Work, report: Callable[[Progress], None] = ignore_progress) -> WorkResult:
        """Starts the work, or takes up what this ident left behind, and returns when it has ended.

        Unknown ident: a durable claim is made first, then the work starts. Still running: waits for it. Ended: returns
        its result again. Claimed, but neither running nor ended (the machine died under it): `Errored` with reason
        `Interrupted`, since nobody can know how far it came. Cancelling the awaiting task leaves the work running.
        Raises ExecutorUnavailableError when it could not be started; then no claim is left.
        """

    async def cancel(self, ident: str, reason: str = "") -> None:
        """Ends the work and every process of it; `carry_out` then returns `Cancelled`. Unknown or ended: nothing.

        An ident that was cancelled before it was ever started never starts.
        """

    def log(self, ident: str, *, follow: bool = False) -> AsyncIterator[bytes]:
        """What the work printed, in pieces; with `follow` until it ends. Raises NotFoundError."""

    async def discard(self, ident: str) -> None:
        """Forgets an ended ident: its artifacts are deleted."""

    async def close(self, *, cancel: bool = False) -> None:
        """Releases what is held; work goes on unless `cancel`, and a later executor finds it."""


# --- Jobs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class JobPlace:
    """A server that carries jobs out, and the Secret (by namespace and name) that lets us in.

    `poll` is how often it is asked for its jobs, in seconds.
    """

    url: str
    namespace: str
    secret: str
    api_path: str = "/api/v2"
    verify_tls: bool = True
    ca_certificate: str = ""
    poll: float = 5.0


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A template to be launched once. `marks` are those of its variables that no other job has.

    `template` is a name or an id. `prompts` go by the server's own names; inventory, credentials and execution
    environment in them by name or id. `timeout` is in seconds, 0 for none.
    """

    place: JobPlace
    template: str
    marks: Mapping[str, Any]
    extra_vars: Mapping[str, Any]
    workflow: bool = False
    organization: str = ""
    prompts: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 0


@dataclass(frozen=True, slots=True)
class JobTicket:
    """What must be kept so that a launch is found again. Written down before it, and again with `id` after it.

    `after`: the template's newest job before the launch. `link`: the job's page for people.
    """

    template_type: Literal["job_template", "workflow_job_template"]
    template: int
    after: int
    requested: datetime
    type: Literal["job", "workflow_job"] | None = None
    id: int | None = None
    link: str = ""


def always() -> bool:
    """For callers that will not change their mind."""
    return True


class Jobs(Protocol):
    """Launches templates of job servers and follows what comes of them, whoever launched it before a restart.

    A server that is away or busy is waited for; `report` gets a line for people then. What can't be done without
    somebody changing something raises JobRefusedError.
    """

    async def prepare(self, order: JobOrder, report: Callable[[Progress], None] = ignore_progress) -> JobTicket:
        """Looks up what the order names. Nothing is launched."""

    async def launch(
        self,
        order: JobOrder,
        ticket: JobTicket,
        report: Callable[[Progress], None] = ignore_progress,
        wanted: Callable[[], bool] = always,
    ) -> JobTicket | None:
        """Launches it, unless that has been done for this ticket; the ticket with the job's id.

        None when it was not launched, since it was not `wanted` any more.
        """

    async def find(self, order: JobOrder, ticket: JobTicket) -> JobTicket | None:
        """The job that was launched for this ticket; None when there is none, and none can come any more."""

    async def ended(
        self, place: JobPlace, ticket: JobTicket, report: Callable[[Progress], None] = ignore_progress
    ) -> WorkResult:
        """Returns when the job has ended. Cancelling the awaiting task leaves the job running."""

    async def cancel(self, place: JobPlace, ticket: JobTicket) -> None:
        """Asks the job to end; `ended` tells when it has. One that is over or gone: nothing."""

    async def close(self) -> None:
        """Releases what is held; jobs go on."""


# --- Clock ------------------------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The time. Tests put a fake one in its place, so that nothing sleeps for real."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Returns after that much of this clock's time."""
