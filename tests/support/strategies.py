"""Strategies and playbooks that leave a mark for each piece of work, so that tests can count what was really done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.runner import resource

MARK_PLUGIN = '''
"""Appends one line to a file: one atomic write, so that every execution is counted."""
import os
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        line = (self._task.args["line"] + "\\n").encode()
        fd = os.open(self._task.args["file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, line)
        os.close(fd)
        return result
'''

MARK_PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Leave a mark
      mark:
        file: {file}
        line: "{{{{ contextID }}}} {{{{ stage_name }}}}"
    - name: Report
      kabanero.events.stage_result:
        status: Success
        outputs:
          image: {{location: "img-{{{{ contextID }}}}"}}
"""


def marking_project(project: Path) -> Path:
    """Writes `mark.yml` into the project; returns the file that it appends to."""
    marks = project / "marks.txt"
    (project / "action_plugins").mkdir(parents=True, exist_ok=True)
    (project / "action_plugins" / "mark.py").write_text(MARK_PLUGIN)
    (project / "mark.yml").write_text(MARK_PLAYBOOK.format(file=marks))
    return marks


def playbook_stage(name: str, playbook: str = "mark.yml", **spec: Any) -> dict[str, Any]:
    """A PlaybookStage."""
    return resource("PlaybookStage", name, {"playbook": playbook, **spec})


def binding(name: str, kind: str, triggers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A stage binding that emits its name with its status."""
    emit = [{"name": name, "status": "$stage_status"}]
    return {
        "stageName": name,
        "stageRef": {"kind": kind, "name": name.lower()},
        "triggers": triggers,
        "emit": emit,
        **more,
    }


def match(name: str, status: str = "") -> dict[str, Any]:
    """A trigger entry."""
    return {"match": {"name": name, "status": status} if status else {"name": name}}


def chain(*names: str) -> list[dict[str, Any]]:
    """Stages one after the other, and the resources of a strategy `chain` with a trigger on pushes."""
    previous = [match("Start")]
    bindings = []
    for name in names:
        bindings.append(binding(name, "PlaybookStage", previous))
        previous = [match(name, "Success")]
    return [*(playbook_stage(name.lower()) for name in names), *strategy("chain", bindings)]


def strategy(name: str, bindings: list[dict[str, Any]], **spec: Any) -> list[dict[str, Any]]:
    """A StrategyDefinition and a trigger that starts it for every push."""
    variables = [{"name": "src_repo", "type": "github"}, {"name": "note", "type": "string"}]
    push = {
        "match": {"eventName": "Push"},
        "variableBindings": [
            {
                "name": "src_repo",
                "location": "${event.location}",
                "branch": "${event.branch}",
                "commit": "${event.commit}",
            },
            {"name": "note", "value": "${event.rawData.head_commit.message}"},
        ],
        "emit": {"name": "Start"},
    }
    return [
        resource("StrategyDefinition", name, {"strategyVariables": variables, "stageBindings": bindings, **spec}),
        resource("StrategyTrigger", name, {"strategy": name, "events": [push]}),
    ]
