"""A playbook whose first task writes down when it ran: the same for every subject that is measured."""

from __future__ import annotations

import time
from pathlib import Path

PLUGIN = '''
"""Appends the time in nanoseconds to a file."""
import os, time
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        now = time.time_ns()
        fd = os.open(self._task.args["file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, b"%d\\n" % now)
        os.close(fd)
        return super().run(tmp, task_vars)
'''
PLAYBOOK = """
- hosts: {hosts}
  gather_facts: false
  tasks:
    - name: First task
      stamp:
        file: {file}
"""


def stamping_project(project: Path, hosts: str = "localhost") -> Path:
    """Writes stamp.yml; returns the file of stamps."""
    stamps = project / "stamps.txt"
    (project / "action_plugins").mkdir(parents=True, exist_ok=True)
    (project / "action_plugins" / "stamp.py").write_text(PLUGIN)
    (project / "stamp.yml").write_text(PLAYBOOK.format(file=stamps, hosts=hosts))
    return stamps


def stamps_in(path: Path) -> list[int]:
    """The times so far, in nanoseconds."""
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def next_stamp(path: Path, before: int, seconds: float = 30) -> int:
    """Waits until there are more than `before` stamps; returns the newest."""
    deadline = time.monotonic() + seconds
    while len(found := stamps_in(path)) <= before:
        if time.monotonic() > deadline:
            raise TimeoutError("the playbook did not run")
        time.sleep(0.002)
    return found[-1]
