"""Derived names: whoever handles the same event twice comes to the same name, and so finds what is there already.

Used by the trigger and strategy_run controllers and by the executor's idents.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

LONGEST_NAME = 200
_UNFIT = re.compile(r"[^a-z0-9]+")


def context_id(time: datetime, identity: str) -> str:
    """A contextID: sorts by time, differs by identity, fits labels and names. `20261123081419123-1a2b3c4d5e`."""
    return f"{time:%Y%m%d%H%M%S}{time.microsecond // 1000:03d}-{digest(identity, 10)}"


def run_name(prefix: str, context: str) -> str:
    """Name of a StrategyRun."""
    return _fitting(f"{_slug(prefix)}-{context}")


def stage_run_name(run: str, stage: str) -> str:
    """Name of the StageRun of a stage, whose own name is free text."""
    slug = _slug(stage)
    lost = slug != stage.lower()
    return _fitting(f"{run}-{slug}-{digest(stage, 6)}" if lost else f"{run}-{slug}")


def work_ident(name: str, attempt: int) -> str:
    """Identity of one attempt's work for the executor."""
    return f"{_fitting(name)}.{attempt}"


def digest(text: str, length: int) -> str:
    """The first hexadecimal digits of the text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _slug(text: str) -> str:
    return _UNFIT.sub("-", text.lower()).strip("-")[:63].strip("-") or "x"


def _fitting(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11].rstrip('-.')}-{digest(name, 10)}"
