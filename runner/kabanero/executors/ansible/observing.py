"""What a driver sees of its playbook: the log that is kept, the news for the runner, and the result at the end.

Fed with ansible-runner's events, one after the other. Secrets are taken out of everything that leaves here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kabanero.executors.reports import LONGEST_MESSAGE, read_report, sound_outputs
from kabanero.ports import WorkResult, WorkStatus

STAGE_RESULT = "kabanero_stage_result"
STAGE_PROGRESS = "kabanero_stage_progress"
PROGRESS = "progress"
"""News of how far the work itself says it is: the message in place of the task, the percentage in place of the host."""
ENDED = "ended"
"""News that a driver which stays has left the result; of any other its own end tells."""
NEWS = ("runner_on_start", "runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable")
HIDDEN = "********"
CUT = "\n... the rest of the output is not kept (setting executor.logLimit) ...\n"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
News = Callable[[str, str, str], None]


class Observer:
    """One playbook. `news(event, task, host)` is told of tasks that begin and end."""

    def __init__(self, log: Path, limit: int, secrets: Sequence[str], news: News) -> None:
        self._log = log.open("wb", buffering=0)
        self._left, self._secrets, self._news = limit, secrets, news
        self._report: Any = None
        self._stats: Mapping[str, Any] | None = None
        self._failure = ""
        self._tail = ""
        self.question = ""
        """The variable that a play asks for, once one does."""

    def event(self, event: Mapping[str, Any]) -> bool:
        """Takes one event in. False: ansible-runner need not keep it in a file of its own."""
        self._keep(str(event.get("stdout") or ""))
        name, data = event.get("event", ""), event.get("event_data") or {}
        if name in NEWS:
            self._news(str(name), self.hide(str(data.get("task") or "")), str(data.get("host") or ""))
        if name == "runner_on_ok":
            self._tell_progress(data.get("res"))
        if name in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            self._failure = _spoken(data)
        if name == "playbook_on_vars_prompt":
            self.question = self.hide(str(data.get("varname") or "?"))
        if name == "playbook_on_stats":
            self._stats = data
            self._report = self._hidden((data.get("artifact_data") or {}).get(STAGE_RESULT))
        return False

    def _tell_progress(self, result: Any) -> None:
        """`stage_result` with `progress` alone: anybody's data, so what is not as it should be is left out."""
        stats = result.get("ansible_stats") if isinstance(result, dict) else None
        said = (stats.get("data") or {}).get(STAGE_PROGRESS) if isinstance(stats, dict) else None
        if isinstance(said, dict):
            percent = said.get("percent")
            known = isinstance(percent, int) and 0 <= percent <= 100
            self._news(PROGRESS, self.hide(str(said.get("message") or "")), str(percent) if known else "")

    def _keep(self, text: str) -> None:
        if not text:
            return
        text = self.hide(text)
        self._tail = (self._tail + "\n" + text)[-LONGEST_MESSAGE:]
        self._write(text.encode("utf-8", "replace") + b"\n")

    def _write(self, data: bytes) -> None:
        """A log that can't be written (the disk is full) is no reason to break the work off."""
        with contextlib.suppress(OSError):
            if self._left > 0:
                self._log.write(data[: self._left])
                if len(data) > self._left:
                    self._log.write(CUT.encode())
        self._left -= len(data)

    def hide(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def result(self, code: int) -> WorkResult:
        """What came of it, by the stage's own report, else by Ansible's recap."""
        self._log.close()
        if self._stats is None:
            return self._never_played(code)
        failed = sum(sum((self._stats.get(kind) or {}).values()) for kind in ("failures", "dark"))
        if failed or (code and not self._report):
            message = self.hide(self._failure or f"ansible-playbook ended with {code}")[:LONGEST_MESSAGE]
            return WorkResult(WorkStatus.FAILED, "PlaybookFailed", _legible(message), sound_outputs(self._report))
        return read_report({} if self._report is None else self._report)

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self._hidden(key): self._hidden(each) for key, each in value.items()}
        return [self._hidden(each) for each in value] if isinstance(value, list) else value

    def _never_played(self, code: int) -> WorkResult:
        """Ansible gave up before the first play: the playbook can't be found or read."""
        said = _ANSI.sub("", self._tail).strip()
        reason = "PlaybookNotFound" if "could not be found" in said else "PlaybookInvalid"
        return WorkResult(WorkStatus.ERRORED, reason, _legible(said) or f"ansible-playbook ended with {code}")


def _legible(text: str) -> str:
    """Text that can be written down: bytes that were no UTF-8 reach us as halves of characters."""
    return text.encode("utf-8", "replace").decode()


def _spoken(data: Mapping[str, Any]) -> str:
    result = data.get("res") or {}
    message = result.get("msg") or result.get("stderr") or result.get("module_stderr") or "failed"
    where = f"task {data.get('task') or '?'}"
    return f"{where}: {message if isinstance(message, str) else str(message)}"
