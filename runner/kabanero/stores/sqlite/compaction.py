"""Forgets history: versions that were replaced, and deletions, once they are older than anyone may still ask for.

`store` calls these inside write jobs, a bounded piece each, so that no other write waits long.
"""

from __future__ import annotations

import sqlite3

from kabanero.stores.sqlite.rows import floor, head
from kabanero.stores.sqlite.settings import StoreSettings

STEP = 500


def mark(connection: sqlite3.Connection, at: int) -> None:
    """Notes which version is the newest at a time (Unix seconds)."""
    connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (at, head(connection)))


def target(connection: sqlite3.Connection, settings: StoreSettings, now: int) -> int:
    """The version up to which history may be forgotten."""
    goal = 0
    if settings.history_seconds:
        sql = "SELECT coalesce(max(version), 0) FROM marks WHERE at <= ?"
        goal = connection.execute(sql, (now - settings.history_seconds,)).fetchone()[0]
        connection.execute("DELETE FROM marks WHERE at < ?", (now - 2 * settings.history_seconds,))
    if settings.history_changes:
        goal = max(goal, head(connection) - settings.history_changes)
    return goal


def compact_some(connection: sqlite3.Connection, goal: int) -> bool:
    """Raises the floor a step towards a goal and forgets what lies below it; whether there is more to do."""
    start = floor(connection)
    if start >= goal:
        return False
    stop = min(start + STEP, goal)
    replaced = "SELECT previous FROM versions WHERE version > ? AND version <= ? AND previous IS NOT NULL"
    connection.execute(f"DELETE FROM versions WHERE version IN ({replaced})", (start, stop))
    _forget_deleted(connection, start, stop)
    connection.execute("UPDATE counters SET value = ? WHERE name = 'floor'", (stop,))
    return stop < goal


def _forget_deleted(connection: sqlite3.Connection, start: int, stop: int) -> None:
    """Deletions whose name was not taken again; where it was, the next version takes them along."""
    dead = """SELECT v.object FROM versions v JOIN objects o ON o.id = v.object AND o.version = v.version
              WHERE v.version > ? AND v.version <= ? AND v.deleted"""
    ids = connection.execute(dead, (start, stop)).fetchall()
    connection.executemany("DELETE FROM versions WHERE version = (SELECT version FROM objects WHERE id = ?)", ids)
    connection.executemany("DELETE FROM objects WHERE id = ?", ids)
