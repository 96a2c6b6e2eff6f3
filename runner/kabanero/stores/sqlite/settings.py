"""Every setting of the SQLite store."""

from __future__ import annotations

from dataclasses import dataclass, field

from kabanero.sqlite.database import DatabaseSettings


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How much history is kept and how watches are served.

    history_seconds: how long replaced versions and deletions can be watched from and paged through; 0 forgets by
        number only.
    history_changes: how many changes at most; 0 forgets by age only. With both 0 nothing is ever forgotten.
    compaction_seconds: time between two clean-ups of the history.
    bookmark_seconds: time between bookmarks of a watch that asked for them.
    watch_buffer: changes held in memory for a watch; a slower one reads its changes from the file again.
    """

    history_seconds: int = 600
    history_changes: int = 200_000
    compaction_seconds: float = 30.0
    bookmark_seconds: float = 60.0
    watch_buffer: int = 256
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
