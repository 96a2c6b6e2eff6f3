# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports how a stage ended, on the mechanism of set_stats.

Nothing is sent from here: ansible-runner hands the report to the runner in its stats event, and AWX in the job's
artifacts. So a report costs no connection, no module transfer and no credentials.
"""

from __future__ import annotations

import re

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# Read by the runner's executors.
RESULT = "kabanero_stage_result"
PROGRESS = "kabanero_stage_progress"

SUCCESS = "Success"
ENDS = (SUCCESS, "Failed", "Errored", "Cancelled", "TimedOut")

ARGUMENTS = {
    "status": {"type": "str", "choices": list(ENDS)},
    "reason": {"type": "str"},
    "message": {"type": "str"},
    "outputs": {"type": "dict"},
    "links": {"type": "dict"},
    "waiting_for": {
        "type": "dict",
        "options": {
            "apiVersion": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
        },
    },
    "progress": {
        "type": "dict",
        "options": {"percent": {"type": "int"}, "message": {"type": "str"}},
        "required_one_of": [("percent", "message")],
    },
    "fail_playbook": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Turns the task's arguments into one report."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)[1]
        given = {key: value for key, value in arguments.items() if value is not None}
        fail_playbook = given.pop("fail_playbook")
        problems = list(find_problems(given, fail_playbook))
        if problems:
            raise AnsibleActionFail("stage_result: " + "; ".join(problems))
        result.update(changed=False, ansible_stats={"data": report(given), "per_host": False, "aggregate": False})
        result.update(result["ansible_stats"]["data"])
        if fail_playbook and given["status"] != SUCCESS:
            result.update(failed=True, msg=given.get("message") or f"the stage ends as {given['status']}")
        return result


def report(given):
    """The report by key. Progress alone leaves the stage's end open, so it stands under a key of its own."""
    if set(given) == {"progress"}:
        return {PROGRESS: plain(given["progress"])}
    result = {key: plain(value) for key, value in given.items()}
    return {RESULT: {"status": SUCCESS, **result}}


def plain(value):
    """Without the entries of a dict that were left out."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def find_problems(given, fail_playbook):
    """Yields a sentence, with the likely fix, for each thing that no argument's type can tell."""
    if "waiting_for" in given and "status" in given:
        yield "a stage that is waiting_for an object has not ended yet; leave status out"
    if fail_playbook and "status" not in given:
        yield "fail_playbook needs a status"
    if not re.fullmatch(r"([A-Z][A-Za-z0-9]*)?", given.get("reason", "")):
        yield f"reason {given['reason']!r} is not one CamelCase word such as TestsFailed; put sentences into message"
    if not 0 <= (given.get("progress") or {}).get("percent", 0) <= 100:
        yield f"progress.percent is {given['progress']['percent']}, but goes from 0 to 100"
    yield from _names("outputs", given)
    for name, url in given.get("links", {}).items():
        if not re.match(r"[a-z][a-z0-9+.-]*://\S+$", str(url)):
            yield f"links.{name} is {url!r}, which is not a URL such as https://ci.example.com/job/7"


def _names(option, given):
    for name, value in given.get(option, {}).items():
        if not isinstance(name, str) or not name:
            yield f"{option} has the name {name!r}; names are text, so put it in quotes"
        if value is None:
            yield f"{option}.{name} has no value; leave it out or give it one, such as location"
