"""What is probably misspelt in a trigger's rules on topic SourceRepository. Pure. Called by `verify`.

Forges send more than is known here, and people send on the topic what they like, so only near misses are told.
"""

from __future__ import annotations

from collections.abc import Iterator

from kabanero.engine.verifying.finding import WARNING, Finding
from kabanero.engine.verifying.rules import Rule, named_in, said_of
from kabanero.model.matching import GLOB
from kabanero.model.nearmiss import near_miss
from kabanero.model.repository_events import ATTRIBUTES, EVENT_NAMES
from kabanero.model.resource import Resource
from kabanero.model.topics import Topic

UNKNOWN_ATTRIBUTE = "unknown-attribute"
UNKNOWN_EVENT = "unknown-event"


def repository_findings(trigger: Resource) -> Iterator[Finding]:
    """All findings about the rules of one trigger that hear of repositories."""
    for index, rule in enumerate(trigger["spec"].get("events") or ()):
        if rule.get("topic", Topic.SOURCE_REPOSITORY) == Topic.SOURCE_REPOSITORY:
            place = f"spec.events[{index}]"
            yield from _event_names(rule, place)
            yield from _attributes(rule, place)


def _event_names(rule: Rule, place: str) -> Iterator[Finding]:
    matched = "eventName" in (rule.get("match") or {})
    where = f"{place}.match.eventName" if matched else f"{place}.filter"
    for said in said_of(rule, "eventName"):
        if not GLOB.search(said) and (meant := _other(said, EVENT_NAMES)):
            yield Finding(WARNING, UNKNOWN_EVENT, where, f"no forge sends an event {said}", f"did you mean {meant}?")


def _attributes(rule: Rule, place: str) -> Iterator[Finding]:
    for where, path in named_in(rule, place):
        name = path.split(".")[0].split("[")[0]
        if meant := _other(name, ATTRIBUTES):
            yield Finding(WARNING, UNKNOWN_ATTRIBUTE, where, f"events have no {name}", f"did you mean {meant}?")


def _other(word: str, known: tuple[str, ...]) -> str:
    """What was probably meant, where that is another word."""
    meant = near_miss(word, known)
    return meant if meant and meant != word else ""
