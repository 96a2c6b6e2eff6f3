"""What an entry of a stage's `emit` can become in a run: which values its placeholders can take, and who hears of it.

Used wherever is asked what may still happen: `triggering`, `beginning`, `explain`, `graph` and `verify`, and by the
command line to draw a run, so it loads no models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kabanero.model.outcomes import OUTCOMES, STAGE_STATUS
from kabanero.model.topics import Topic

STATUS_PLACEHOLDER = "${stage_status}"
_OPEN = re.compile(r"\$\{?[A-Za-z_]")
Attributes = Mapping[str, str]


def is_open(pattern: str) -> bool:
    """Whether a text has a placeholder, so that its value is known only in a run."""
    return _OPEN.search(pattern) is not None


def reaches_run(entry: Attributes) -> bool:
    """Whether an emission comes back into its own run; one with another topic is for other strategies."""
    topic = entry.get("topic", Topic.STRATEGY.value)
    return topic == Topic.STRATEGY.value or is_open(topic)


def statuses_for(pattern: str, value: str) -> tuple[str, ...]:
    """The ends of the stage, in the words of events, after which the pattern can have become the value."""
    known = _readings(pattern)
    if known is None:
        return OUTCOMES
    return tuple(word for word, reading in known.items() if reading == value)


def names_of(entry: Attributes) -> set[str]:
    """The names under which the run can hear of an emission, as far as they are known beforehand."""
    known = _readings(entry.get("name", "")) if reaches_run(entry) else None
    return set((known or {}).values())


def fits(wanted: Attributes, attributes: Attributes) -> bool:
    """Whether an event has all the attributes."""
    return all(attributes.get(name) == value for name, value in wanted.items())


def could_become(wanted: Attributes, entry: Attributes) -> bool:
    """Whether an emission, whose placeholders are not known yet, could have all the attributes."""
    return all(name in entry and name != "topic" and statuses_for(entry[name], value) for name, value in wanted.items())


def could_fit(wanted: Attributes, entry: Attributes) -> bool:
    """The same, and its own run hears of it."""
    return reaches_run(entry) and could_become(wanted, entry)


def _readings(pattern: str) -> dict[str, str] | None:
    """What the pattern becomes after each end of the stage; None where it has a placeholder for something else."""
    written = STATUS_PLACEHOLDER if pattern == STAGE_STATUS else pattern
    if is_open(written.replace(STATUS_PLACEHOLDER, "")):
        return None
    return {word: written.replace(STATUS_PLACEHOLDER, word) for word in OUTCOMES}
