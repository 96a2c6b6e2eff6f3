"""Tells outages (disk full, locked, broken) from mistakes, and says each for a person: file, reason, fix.

Called by the writer and the readers, which turn outages into the adapter's own `...UnavailableError`.
"""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

_OUTAGES: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free space on its file system; no restart is needed"),
    sqlite3.SQLITE_BUSY: ("the database is locked by another process", "end the program that holds it open"),
    sqlite3.SQLITE_LOCKED: ("the database is locked", "end the program that holds it open"),
    sqlite3.SQLITE_IOERR: ("the disk does not read or write", "look at the file system, its quota and the kernel log"),
    sqlite3.SQLITE_READONLY: ("the database can't be written", "make the file and its directory writable"),
    sqlite3.SQLITE_CANTOPEN: ("the database can't be opened", "look at the permissions of the file and its directory"),
    sqlite3.SQLITE_PERM: ("access is denied", "look at the permissions of the file and its directory"),
    sqlite3.SQLITE_NOMEM: ("there is no memory left", "give the machine more memory, or run less on it"),
    sqlite3.SQLITE_CORRUPT: ("the database is damaged", "restore it from a backup"),
    sqlite3.SQLITE_NOTADB: ("the file is not a database", "restore it from a backup, or move it away"),
    sqlite3.SQLITE_PROTOCOL: ("the database is locked by another process", "end the program that holds it open"),
}
_MOVED = ("the file was moved or deleted while it was open", "restore it, then start the runner again")
_PRIMARY = 0xFF


def moved() -> sqlite3.OperationalError:
    """What is raised for a database whose file is not where it was opened: what is written now would be lost."""
    error = sqlite3.OperationalError("database file moved")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED
    return error


def is_outage(error: sqlite3.Error) -> bool:
    """Whether the database as a whole can't work now, rather than one statement being wrong."""
    return _code(error) in _OUTAGES


def explain(error: sqlite3.Error, path: Path) -> str:
    """One sentence for a person: which file, what is wrong, what helps."""
    reason, fix = _OUTAGES.get(_code(error), ("SQLite refuses", "this is a defect, please report it"))
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
        reason, fix = _MOVED
    return f"{path}: {reason} ({error}); {fix}"


def explain_os(error: OSError, path: Path) -> str:
    """The same for what the operating system says when the file is made ready."""
    fix = "free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "look at its permissions"
    return f"{path}: {error.strerror or error}; {fix}"


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
