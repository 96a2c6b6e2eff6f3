# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One PipelineRun from the options of a task. Used by the action plugin tekton_pipeline_run, and by direct_stages."""

from __future__ import annotations

from ansible_collections.kabanero.events.plugins.module_utils.client import Client
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.core import AUTH_OPTIONS
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
NOT_CREATED = "PipelineRunNotCreated"  # the reason of a failure that has none of its own


def given(options):
    """Without the options that a template left empty."""
    return {name: value for name, value in options.items() if value not in (None, "")}


def make(params, environ, *, dry_run=False, opened=Client):
    """The PipelineRun, whether it is new, and the server's warnings. Raises KabaneroError.

    `params` are options as ARGUMENTS has them, validated; `environ` is where the connection is looked for besides.
    `opened` is a context manager: from the connection to its client.
    """
    connection = find_connection(params, environ)
    namespace = params["namespace"] or connection.namespace
    params = {**params, "namespace": namespace, "stage_run_namespace": params["stage_run_namespace"] or namespace}
    with opened(connection) as client:
        made, is_new = Pipelines(client, namespace, params["patience"], dry_run=dry_run).run(params)
        return made, is_new, client.warnings


def waiting_for(made):
    """What a stage waits for that leaves the rest to this object."""
    metadata = made["metadata"]
    return {
        "apiVersion": made["apiVersion"],
        "kind": made["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
    }
