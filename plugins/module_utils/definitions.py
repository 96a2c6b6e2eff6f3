# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that keep one definition as their options say. Each is a call of `definition`."""

from __future__ import annotations

from ansible_collections.kabanero.events.plugins.module_utils.core import Module, outcome
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources, merged

META_OPTIONS = {"labels": {"type": "dict"}, "annotations": {"type": "dict"}}
DEFINITION_OPTIONS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "spec": {"type": "dict"},
    **META_OPTIONS,
}
_RESOURCES = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "type": {"type": "str"},
        "description": {"type": "str"},
        "optional": {"type": "bool"},
    },
}
# Of every kind of stage: options, and where their values stand in its spec.
STAGE_OPTIONS = {
    "inputs": _RESOURCES,
    "outputs": _RESOURCES,
    "timeout": {"type": "str"},
    "retries": {"type": "int"},
    "on_interrupted": {"type": "str", "choices": ["Error", "Retry"]},
    "playbook": {"type": "str"},
    "parameters": {"type": "dict"},
}
STAGE_FIELDS = {
    "inputs": "resources.input",
    "outputs": "resources.output",
    "timeout": "timeout",
    "retries": "retries",
    "on_interrupted": "onInterrupted",
    "playbook": "playbook",
    "parameters": "parameters",
}


def definition(kind=None, options=None, fields=None):
    """The module of a kind, `kind` itself being an option when it is None.

    `fields` says where in the spec the values of `options` stand. They count before what the option `spec` says there.
    Without fields a spec is needed to make the resource.
    """
    own = {} if kind else {"kind": {"type": "str", "default": "PlaybookStage"}}
    checks = {} if fields else {"required_if": [("state", "present", ["spec"])]}

    def keep(call, client):
        resources = Resources(client, kind or call.params["kind"], call.check_mode)
        if call.params["state"] == "absent":
            return outcome(resources.remove(call.params["name"]), None)
        return outcome(*resources.apply(wanted(call.params, spec_of(call.params, fields or {}))))

    return Module({**DEFINITION_OPTIONS, **own, **(options or {})}, keep, **checks)


def stage(kind, options=None, fields=None):
    """The module of one kind of stage; `options` are those that other stages don't have."""
    return definition(kind, {**STAGE_OPTIONS, **(options or {})}, {**STAGE_FIELDS, **(fields or {})})


def spec_of(params, fields):
    """The spec that the options mean. What was left out is not in it, so that what is there stays."""
    spec = params["spec"] or {}
    for option, path in fields.items():
        if params[option] is not None:
            spec = merged(spec, _nested(path.split("."), _given(params[option])))
    return spec


def _nested(path, value):
    return {path[0]: _nested(path[1:], value) if path[1:] else value}


def _given(value):
    """Without the suboptions that were left out, which Ansible fills with None."""
    if isinstance(value, list):
        return [_given(item) for item in value]
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return value


def wanted(params, spec, name=None, generate=""):
    """The resource that a module's options describe; without a name the server makes one from `generate`."""
    name = name or params["name"]
    metadata = {"name": name} if name else {"generateName": generate}
    metadata.update({key: params[key] for key in META_OPTIONS if params.get(key) is not None})
    return {"metadata": metadata, "spec": spec}
