"""Forgetting old events that every consumer has handled. Called by `bus` inside write jobs, a bounded piece each."""

from __future__ import annotations

import sqlite3

STEP = 200


def prune_some(connection: sqlite3.Connection, after: int, older_than: int, *, dead_too: bool) -> tuple[int, int]:
    """Looks at the next events after a place; how many were forgotten, and the place reached (0: that was all)."""
    rows = connection.execute(
        """SELECT sequence FROM events
           WHERE sequence > ? AND published < ?
             AND sequence <= (SELECT min(cursor) FROM consumers)
             AND sequence < (SELECT max(sequence) FROM events)
           ORDER BY sequence LIMIT ?""",
        (after, older_than, STEP),
    ).fetchall()
    if not rows:
        return 0, 0
    first, last = rows[0][0], rows[-1][0]
    kept = "" if dead_too else " AND sequence NOT IN (SELECT sequence FROM settled WHERE dead)"
    sql = f"""DELETE FROM events WHERE sequence BETWEEN ? AND ? AND published < ?
              AND sequence NOT IN (SELECT sequence FROM pending){kept}"""
    gone = connection.execute(sql, (first, last, older_than)).rowcount
    sql = "DELETE FROM settled WHERE sequence BETWEEN ? AND ? AND sequence NOT IN (SELECT sequence FROM events)"
    connection.execute(sql, (first, last))
    return gone, last if len(rows) == STEP else 0
