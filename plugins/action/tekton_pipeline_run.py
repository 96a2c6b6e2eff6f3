# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the PipelineRun of a stage, on the controller itself: two requests, no module transfer, no Python start."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR, Client
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.core import AUTH_OPTIONS
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.resources import returned, shown
from ansible_collections.kabanero.events.plugins.module_utils.tekton_pipelines import Pipelines

ARGUMENTS = {
    **AUTH_OPTIONS,
    "name": {"type": "str"},
    "pipeline": {"type": "str"},
    "resolver": {"type": "dict", "options": {"name": {"type": "str", "required": True}, "params": {"type": "dict"}}},
    "params": {"type": "dict"},
    "inputs": {"type": "dict"},
    "outputs": {"type": "dict"},
    "declared": {"type": "dict"},
    "workspaces": {"type": "list", "elements": "dict"},
    "service_account": {"type": "str"},
    "timeouts": {"type": "dict"},
    "timeout": {"type": "float", "default": 0},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "context_id": {"type": "str"},
    "strategy": {"type": "str"},
    "strategy_run": {"type": "str"},
    "stage_name": {"type": "str"},
    "stage_run": {"type": "str"},
    "stage_run_uid": {"type": "str"},
    "stage_run_namespace": {"type": "str"},
    "attempt": {"type": "int", "default": 1},
    "patience": {"type": "float", "default": 120},
}
CHECKS = {"mutually_exclusive": [("pipeline", "resolver")], "required_one_of": [("pipeline", "resolver")]}


class ActionModule(ActionBase):
    """Turns the task's arguments into one PipelineRun."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        given = {name: value for name, value in self._task.args.items() if value not in (None, "")}
        self._task.args = given
        params = self.validate_argument_spec(argument_spec=ARGUMENTS, **CHECKS)[1]
        if URLLIB3_IMPORT_ERROR:
            return dict(result, failed=True, msg=f"needs the library kubernetes\n{URLLIB3_IMPORT_ERROR}")
        try:
            return dict(result, **self._made(params))
        except KabaneroError as error:
            return dict(
                result, **{"failed": True, "msg": str(error), "reason": "PipelineRunNotCreated", **error.details}
            )

    def _made(self, params):
        connection = find_connection(params, os.environ)
        namespace = params["namespace"] or connection.namespace
        params = {**params, "namespace": namespace, "stage_run_namespace": params["stage_run_namespace"] or namespace}
        with Client(connection) as client:
            pipelines = Pipelines(client, namespace, params["patience"], dry_run=self._task.check_mode)
            made, is_new = pipelines.run(params)
            outcome = _outcome(made, is_new)
            if self._task.diff:
                outcome["diff"] = _difference(made, is_new)
            return {**outcome, **({"warnings": client.warnings} if client.warnings else {})}


def _outcome(made, is_new):
    metadata = made["metadata"]
    what = {
        "apiVersion": made["apiVersion"],
        "kind": made["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
    }
    return {"changed": is_new, "pipeline_run": returned(made), "waiting_for": what}


def _difference(made, is_new):
    after = shown(made)
    return {"before": {} if is_new else after, "after": after}
