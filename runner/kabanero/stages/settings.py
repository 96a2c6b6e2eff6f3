"""Settings of a process that carries out custom stages. Made by `StageApp`, its command line and the environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageSettings:
    """All times in seconds. Raises ValueError for times between which no claim could be kept."""

    namespace: str = ""
    """Only StageRuns of this namespace are carried out. Empty: of all."""
    parallel: int = 4
    """Attempts carried out at the same time; further ones wait, or are taken by another process."""
    renew_every: float = 5.0
    """How often the claim on an attempt is renewed, and longest time of one write."""
    gone_after: float = 20.0
    """How long a claim stays the same before others believe that its holder is gone. At least three renewals."""
    show_every: float = 1.0
    """Least time between two writes of progress."""
    stop_within: float = 10.0
    """How long a stop waits for work that is being cancelled and for its end to be written."""

    def __post_init__(self) -> None:
        if self.parallel < 1:
            raise ValueError(f"parallel is {self.parallel}: at least 1")
        if not 0 < self.renew_every * 3 <= self.gone_after:
            raise ValueError(f"gone_after is {self.gone_after:g} s: at least three times renew_every")

    @property
    def fence_after(self) -> float:
        """Without a renewal for this long, work that others may take up is stopped before they do."""
        return self.gone_after - 1.5 * self.renew_every
