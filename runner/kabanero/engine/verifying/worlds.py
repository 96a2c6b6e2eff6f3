"""Sets of ways in which a run can go, as numbers: what has to be so for a stage to run. Used by `reach`.

Of every stage a way says how it ended, or that it did not run; and with which first event the run began. A set has
one bit for each of these, so a set is an upper bound: a stage whose set is empty can't run whatever happens. "Both" is
`&`, "one of them" is `|`, and 500 stages are one number of 3,000 bits.
"""

from __future__ import annotations

from kabanero.engine.phases import EVENT_STATUS

OUTCOMES = tuple(EVENT_STATUS.values())
ANY = (1 << len(OUTCOMES)) - 1
WIDTH = len(OUTCOMES) + 1
NONE = 0


class Worlds:
    """All sets for a strategy with so many stages and so many possible first events."""

    def __init__(self, stages: int, starts: int) -> None:
        self._base = WIDTH * stages
        self._ones = sum(1 << (WIDTH * stage) for stage in range(stages))
        # One more first event than is known: a run may always be started with an event that nobody waits for.
        self.everything = (1 << (self._base + starts + 1)) - 1
        self._first = self.everything >> self._base << self._base

    def ended(self, stage: int, outcomes: int = ANY) -> int:
        """The stage ran and ended in one of these ways (bits as in OUTCOMES)."""
        group = (1 << WIDTH) - 1
        return self.everything ^ ((group ^ outcomes) << (WIDTH * stage))

    def began(self, start: int) -> int:
        """The run began with this first event."""
        return (self.everything ^ self._first) | 1 << (self._base + start)

    def outcomes(self, world: int, stage: int) -> int:
        """How the stage can have ended."""
        return world >> (WIDTH * stage) & ANY

    def is_possible(self, world: int) -> bool:
        """Whether for every stage, and for the first event, something is left."""
        spread = world
        for shift in range(1, WIDTH):
            spread |= world >> shift
        return spread & self._ones == self._ones and bool(world & self._first)

    def torn(self, one: int, other: int) -> int | None:
        """The stage about which two sets disagree; -1: the first event; None: they don't."""
        both = one & other
        if not both & self._first:
            return -1
        group = (1 << WIDTH) - 1
        stages = range(self._base // WIDTH)
        return next((stage for stage in stages if not both >> (WIDTH * stage) & group), None)


def bit(status: str) -> int:
    """The bit of a status word; NONE for a word that no stage ever has."""
    return 1 << OUTCOMES.index(status) if status in OUTCOMES else NONE


def words(outcomes: int) -> str:
    """Outcomes for a person: `Success`, `Failed or TimedOut`."""
    return " or ".join(word for index, word in enumerate(OUTCOMES) if outcomes >> index & 1)
