"""Brings a database's tables up to date from numbered `.sql` files (`0001_objects.sql`), each in one transaction.

Called when a database is opened. The table `migrations` says which files were applied.
"""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path

_TABLE = "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"


class TooNewError(Exception):
    """The database was written by a newer release than this one."""


def migrate(connection: sqlite3.Connection, package: str, path: Path) -> None:
    """Applies what is missing of the `.sql` files in a package's folder `migrations`. Raises TooNewError."""
    connection.execute(_TABLE)
    done = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    files = _files(package)
    if done > len(files):
        raise TooNewError(
            f"{path}: its tables have version {done}, this release knows {len(files)}: install a newer release"
        )
    for number, (name, sql) in enumerate(files[done:], start=done + 1):
        _apply(connection, number, name, sql)


def _files(package: str) -> list[tuple[str, str]]:
    folder = resources.files(package) / "migrations"
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return [(file.name, file.read_text()) for file in sorted(found, key=lambda file: file.name)]


def _apply(connection: sqlite3.Connection, number: int, name: str, sql: str) -> None:
    record = f"INSERT INTO migrations VALUES ({number}, '{name}');"
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\n{record}\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise
