# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the PipelineRun of a stage, on the controller itself: two requests, no module transfer, no Python start."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.resources import returned, shown
from ansible_collections.kabanero.events.plugins.module_utils.tekton_making import (
    ARGUMENTS,
    CHECKS,
    NOT_CREATED,
    given,
    make,
    waiting_for,
)


class ActionModule(ActionBase):
    """Turns the task's arguments into one PipelineRun."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        self._task.args = given(self._task.args)
        params = self.validate_argument_spec(argument_spec=ARGUMENTS, **CHECKS)[1]
        if URLLIB3_IMPORT_ERROR:
            return dict(result, failed=True, msg=f"needs the library kubernetes\n{URLLIB3_IMPORT_ERROR}")
        try:
            return dict(result, **self._made(params))
        except KabaneroError as error:
            return dict(result, **{"failed": True, "msg": str(error), "reason": NOT_CREATED, **error.details})

    def _made(self, params):
        made, is_new, warnings = make(params, os.environ, dry_run=self._task.check_mode)
        outcome = {"changed": is_new, "pipeline_run": returned(made), "waiting_for": waiting_for(made)}
        if self._task.diff:
            outcome["diff"] = _difference(made, is_new)
        return {**outcome, **({"warnings": warnings} if warnings else {})}


def _difference(made, is_new):
    after = shown(made)
    return {"before": {} if is_new else after, "after": after}
