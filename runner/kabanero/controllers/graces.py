"""How long work outside the runner is waited for beyond its time. Set by `app` from the settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Graces:
    """Seconds; 0: none.

    `cancel`: for what a cancelled PipelineRun or job of AWX still does, such as `finally` tasks, before the stage ends
    without it. `timeout`: for a PipelineRun's own word on that its time is up.
    """

    cancel: float = 60.0
    timeout: float = 10.0


USUAL = Graces()
