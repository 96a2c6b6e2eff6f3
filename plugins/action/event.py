# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection where Ansible itself runs, when its task is for this machine anyway.

No module transfer and no Python start: a tenth of the time. It is the action of every module that meta/runtime.yml
routes here, not of `event` alone; it calls the same function as the module's own process does. What asks for more than
this process can give (another user, environment, interpreter or machine, or async) goes the usual way.
"""

from __future__ import annotations

import sys
from importlib import import_module

from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR
from ansible_collections.kabanero.events.plugins.module_utils.core import Call
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError

MODULES = "ansible_collections.kabanero.events.plugins.modules"
INTERPRETER = "ansible_python_interpreter"


class ActionModule(ActionBase):
    """Hands a task's arguments to its module's function, or the task to its module."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        if self._asks_for_more(task_vars or {}):
            return {**result, **self._elsewhere(task_vars)}
        return {**result, **self._here()}

    def _asks_for_more(self, task_vars):
        """Whether the task needs a process of its own."""
        return bool(
            URLLIB3_IMPORT_ERROR
            or self._connection.transport != "local"
            or self._connection.become
            or self._play_context.become
            or self._task.async_val
            or any(self._task.environment or ())
            or not self._is_own_interpreter(task_vars.get(INTERPRETER))
        )

    def _is_own_interpreter(self, named):
        chosen = self._templar.template(named) if named else "auto"
        return chosen == sys.executable or str(chosen).startswith("auto")

    def _elsewhere(self, task_vars):
        wrap_async = self._task.async_val and not self._connection.has_native_async
        result = self._execute_module(task_vars=task_vars, wrap_async=wrap_async)
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _here(self):
        """What the module would hand back. Values of options that must not be seen are taken out, as from a module."""
        self._load_name = self._task.action  # it stands in messages
        module = import_module(f"{MODULES}.{self._task.action.rpartition('.')[2]}").MODULE
        validated, params = self.validate_argument_spec(module.argument_spec, **module.checks)
        result = {"invocation": {"module_args": params}, **self._outcome(module, Call(params, self._task.check_mode))}
        return remove_values(result, validated._no_log_values)

    def _outcome(self, module, call):
        try:
            result, warnings = module.act(call)
        except KabaneroError as error:
            return {"failed": True, "msg": str(error), **error.details}
        return {**result, "warnings": warnings} if warnings else result
