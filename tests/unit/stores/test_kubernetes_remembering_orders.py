"""Whatever order watches and answers come in, nothing is recalled that is older than what we did ourselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.resource import Key
from kabanero.stores.kubernetes.remembering import Memory

TYPE = STAGE_RUN.type
KEYS = [Key(TYPE, "team", name) for name in "ab"]
VERBS = ("write", "write", "conflict", "delete", "get", "list")


@dataclass
class Server:
    """What is there, and all that happened, in order: version, key and whether it was deleted."""

    log: list[tuple[int, Key, bool]] = field(default_factory=list)
    there: dict[Key, int] = field(default_factory=dict)

    def change(self, key: Key, deletes: bool) -> int:
        version = len(self.log) + 1
        if not deletes:
            self.there[key] = version
        elif self.there.pop(key, None) is None:
            return 0
        self.log.append((version, key, deletes))
        return version


class Story:
    """A memory, the server, two watches that hear of it each in its own time, and requests on their way."""

    def __init__(self, limit: int) -> None:
        self.memory, self.server = Memory(limit), Server()
        self.heard: dict[int, int] = {}  # What a live watch heard up to.
        self.sent: list[tuple[str, Key, Any]] = []
        self.served: list[Callable[[], None]] = []
        self.written: dict[Key, int] = {}  # The highest version that our own writes were answered with.
        self.deleted: dict[Key, int] = {}  # The highest version of a deletion that we were told of.
        self.connect(0, 0)

    def step(self, what: str, key: Key, number: int) -> None:
        if what in ("change", "vanish"):
            self.server.change(key, what == "vanish")
        elif what == "request":
            self.step("send", key, number)
            self.served.append(self.serve(*self.sent.pop()))
        elif what == "connect":
            self.connect(number % 2, len(self.server.log) if number % 3 else number % (len(self.server.log) + 1))
        elif what == "tell":
            self.tell(number % 2)
        elif what == "send":
            verb = VERBS[number % len(VERBS)]
            asked = self.memory.place(TYPE) if verb == "list" else self.memory.asked(TYPE)
            self.sent.append((verb, key, asked))
        elif what == "serve" and self.sent:
            self.served.append(self.serve(*self.sent.pop(number % len(self.sent))))
        elif what == "answer" and self.served:
            self.served.pop(number % len(self.served))()

    def connect(self, watch: int, since: int) -> None:
        """Or ends it, if it is live."""
        if self.heard.pop(watch, None) is not None:
            self.memory.watch_ended(TYPE)
        else:
            self.memory.watch_began(TYPE)
            self.heard[watch] = since

    def tell(self, watch: int) -> None:
        if self.heard.get(watch, len(self.server.log)) >= len(self.server.log):
            return
        version, key, deletes = self.server.log[self.heard[watch]]
        self.heard[watch] += 1
        if deletes:
            self.memory.forget(key)
            self.deleted[key] = max(version, self.deleted.get(key, 0))
        else:
            self.memory.keep(key, resource(key, version))

    def serve(self, verb: str, key: Key, asked: Any) -> Callable[[], None]:
        """The server does it now; what is answered comes when it is called."""
        if verb == "list":
            found = [resource(each, version) for each, version in self.server.there.items()]
            at = str(len(self.server.log))
            return lambda: self.memory.keep_all(TYPE, found, at, asked)
        if verb == "conflict":
            return lambda: self.memory.forget(key)
        if verb == "delete":
            gone = self.server.change(key, True)
            return lambda: self.was_deleted(key, gone)
        version = self.server.change(key, False) if verb == "write" else self.server.there.get(key, 0)
        return lambda: self.was_answered(verb, key, version, asked)

    def was_deleted(self, key: Key, version: int) -> None:
        self.memory.forget(key)
        self.deleted[key] = max(version, self.deleted.get(key, 0))

    def was_answered(self, verb: str, key: Key, version: int, asked: Any) -> None:
        if version:
            self.memory.answered(key, resource(key, version), asked)
        if verb == "write":
            self.written[key] = max(version, self.written.get(key, 0))

    def known(self) -> list[tuple[Key, int]]:
        """All that can be recalled, alone or in the list."""
        alone = [found for key in KEYS if (found := self.memory.recall(key))]
        return [(key_of(each), version_of(each)) for each in (*alone, *(self.memory.recall_all(TYPE) or ()))]

    def missing(self) -> set[Key]:
        """What we wrote, nobody deleted since, and a list that can be recalled has not."""
        listed = self.memory.recall_all(TYPE)
        gone = {key for version, key, deletes in self.server.log if deletes and version > self.written.get(key, 0)}
        return set() if listed is None else self.written.keys() - gone - {key_of(each) for each in listed}

    def tell_all(self) -> None:
        for watch in self.heard:
            for _ in self.server.log:
                self.tell(watch)

    def ask_for_all(self) -> None:
        for key, version in self.server.there.items():
            self.memory.answered(key, resource(key, version), self.memory.asked(TYPE))


def resource(key: Key, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": key.namespace, "name": key.name, "resourceVersion": str(version)}}


def key_of(found: dict[str, Any]) -> Key:
    return Key(TYPE, found["metadata"]["namespace"], found["metadata"]["name"])


def version_of(found: dict[str, Any]) -> int:
    return int(found["metadata"]["resourceVersion"])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (*["change"] * 2, "vanish", "connect", *["tell"] * 4, "send", "serve", *["request"] * 2, *["answer"] * 2)
        ),
        st.sampled_from(KEYS),
        st.integers(0, 11),
    ),
    min_size=20,
    max_size=60,
)


@given(limit=st.integers(0, 5), steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_never_recalled_as_it_was_before(limit, steps):
    story = Story(limit)
    for step in steps:
        story.step(*step)
        assert all(version >= story.written.get(key, 0) for key, version in story.known())
        assert not story.missing()


@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_what_was_deleted_is_never_recalled(steps):
    story = Story(100)
    for step in steps:
        story.step(*step)
        assert all(version > story.deleted.get(key, 0) for key, version in story.known())


@given(steps=STEPS)
@settings(max_examples=100, deadline=None)
def test_whatever_happened_what_the_server_says_is_known_and_kept_up_to_date(steps):
    story = Story(100)
    for step in steps:
        story.step(*step)
    if not story.heard:
        story.connect(0, len(story.server.log))
    story.tell_all()
    story.ask_for_all()
    for key in list(story.server.there):
        story.server.change(key, False)
    story.tell_all()
    recalled = {key: story.memory.recall(key) for key in story.server.there}
    assert recalled == {key: resource(key, version) for key, version in story.server.there.items()}
