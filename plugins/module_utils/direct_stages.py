# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks of this collection do for a stage, done without playing them: the same code behind the same options.

Called by the runner's executor in a process that does one after the other, which spares those that Ansible needs for a
playbook and for each of its tasks. A test holds what comes of it against what comes of the playbook.
"""

from __future__ import annotations

import contextlib
import os

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR, Client
from ansible_collections.kabanero.events.plugins.module_utils.connection import is_pem
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.tekton_making import (
    ARGUMENTS,
    CHECKS,
    NOT_CREATED,
    given,
    make,
    waiting_for,
)


class _Kept:
    """One client that stays open for the next stage: to greet an API server costs more than to ask it.

    Not one with a private key in a file that it made: that is there no longer than it is used.
    """

    def __init__(self):
        self._client = None

    @contextlib.contextmanager
    def __call__(self, connection):
        if self._client is None or self._client.connection != connection:
            self.close()
            self._client = Client(connection).__enter__()
        self._client.warnings = []
        try:
            yield self._client
        except BaseException:
            self.close()
            raise
        if is_pem(connection.key):
            self.close()

    def close(self):
        if self._client is not None:
            client, self._client = self._client, None
            client.__exit__()


_KEPT = _Kept()


def close():
    """Lets go of what is kept for the next stage."""
    _KEPT.close()


def _tekton_stage(told):
    if URLLIB3_IMPORT_ERROR:
        return _errored(NOT_CREATED, f"needs the library kubernetes\n{URLLIB3_IMPORT_ERROR}")
    checked = ArgumentSpecValidator(ARGUMENTS, **CHECKS).validate(given(_options(told)))
    if checked.error_messages:
        return _errored(NOT_CREATED, "; ".join(checked.error_messages))
    try:
        made, is_new, warnings = make(checked.validated_parameters, os.environ, opened=_KEPT)
    except KabaneroError as error:
        return _errored(error.details.get("reason", NOT_CREATED), str(error))
    what = waiting_for(made)
    told = f"PipelineRun {what['name']} in namespace {what['namespace']} {'was made' if is_new else 'is there already'}"
    return {"status": "Success", "waiting_for": what}, "\n".join([told, *warnings])


def _options(told):
    """The options that the playbook gives to tekton_pipeline_run. What is empty is left out."""
    spec, resources = told.get("stage_spec") or {}, told.get("resources") or {}
    return {
        "pipeline": spec.get("pipelineName") or None,
        "resolver": spec.get("resolver") or None,
        "namespace": spec.get("pipelineNamespace") or told.get("kabanero_namespace"),
        "params": spec.get("params") or {},
        "inputs": resources.get("input") or {},
        "outputs": resources.get("output") or {},
        "declared": spec.get("resources") or {},
        "workspaces": spec.get("workspaces") or [],
        "service_account": spec.get("serviceAccount") or None,
        "timeouts": spec.get("timeouts") or {},
        "timeout": told.get("stage_timeout", 0),
        "context_id": told.get("contextID"),
        "strategy": told.get("strategy"),
        "strategy_run": told.get("strategy_run"),
        "stage_name": told.get("stage_name"),
        "stage_run": told.get("stage_run"),
        "stage_run_uid": told.get("stage_run_uid"),
        "stage_run_namespace": told.get("kabanero_namespace"),
        "attempt": told.get("stage_attempt", 1),
    }


def _errored(reason, message):
    return {"status": "Errored", "reason": reason, "message": message}, f"no PipelineRun: {message}"


# By playbook: from the extra vars to the stage's report, as stage_result makes it, and a line for its log. Each may be
# called twice for one attempt.
DIRECT = {"kabanero.events.stages.tekton_stage": _tekton_stage}
