"""One job as it travels from the runner to its driver: over a socket or a pipe, never through a file.

The environment may hold secrets; it is in memory only.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASS(WORD|PHRASE)?|CREDENTIALS?)$", re.IGNORECASE)
SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Job:
    """What a driver needs to know. `timeout` in seconds, 0 for none; `log_limit` in bytes.

    `direct`: what needs no playbook to be played is done without. `inline`: a task that needs no process gets none.
    """

    ident: str
    folder: str
    project_dir: str
    playbook: str
    extra_vars: dict[str, Any]
    environment: dict[str, str]
    timeout: float
    verbosity: int
    log_limit: int
    direct: bool = True
    inline: bool = True

    def encoded(self) -> bytes:
        """As bytes for the way."""
        return orjson.dumps(dataclasses.asdict(self))

    @classmethod
    def decoded(cls, data: bytes) -> Job:
        """From bytes."""
        return cls(**orjson.loads(data))

    @property
    def path(self) -> Path:
        """The job's folder."""
        return Path(self.folder)

    def secrets(self) -> list[str]:
        """Values that must not appear in anything that is kept."""
        named = {value for name, value in self.environment.items() if SECRET_NAME.search(name)}
        written = {form for value in named if len(value) >= SHORTEST_SECRET for form in _forms(value)}
        return sorted(written, key=lambda form: (len(form), form), reverse=True)


def needs_cold(environment: dict[str, str]) -> bool:
    """Ansible reads its own variables when it is loaded: a job that sets them can't use a loaded process."""
    return any(name.startswith(("ANSIBLE_", "PYTHON")) for name in environment)


def _forms(secret: str) -> Iterator[str]:
    """The secret, and as it is written inside JSON (Ansible prints results so), once and twice."""
    yield secret
    once = json.dumps(secret)[1:-1]
    yield from (once, json.dumps(once)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
