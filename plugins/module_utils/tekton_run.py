# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the PipelineRun of a stage looks: its name, labels, owner and spec. No I/O. Used by tekton_pipelines."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.tekton_params import choose_params, offer, spelled

API = "tekton.dev/v1"
LONGEST = 63  # of a label's value; Tekton labels TaskRuns and Pods with the PipelineRun's name
SOURCES = (
    "emptyDir",
    "persistentVolumeClaim",
    "volumeClaimTemplate",
    "configMap",
    "secret",
    "projected",
    "csi",
)
RESOLVERS = {"bundle": "bundles"}
UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def pipeline_run(params, pipeline):
    """The PipelineRun that a module's options describe.

    `pipeline` is the Pipeline itself, None when a resolver fetches it. Raises KabaneroError for what doesn't fit it.
    """
    return {
        "apiVersion": API,
        "kind": "PipelineRun",
        "metadata": _metadata(params),
        "spec": _spec(params, pipeline),
    }


def run_name(params):
    """The name as given, else derived: who makes the PipelineRun of an attempt again comes to the same name.

    It fits a label, and ends with a digest that tells stage runs of one name at different times apart.
    """
    if params["name"]:
        return params["name"]
    if not params["stage_run"]:
        raise KabaneroError("needs a name, or stage_run from which one is derived", reason="NameMissing")
    identity = params["stage_run_uid"] or f"{params['stage_run_namespace']}/{params['stage_run']}"
    end = f"-{_digest(identity, 8)}-{params['attempt']}"
    start = re.sub(r"[^a-z0-9]+", "-", params["stage_run"].lower()).strip("-")
    return start[: LONGEST - len(end)].rstrip("-") + end


def label_value(text):
    """The text as a label may hold it; what had to be changed ends with a digest, so that two texts stay two."""
    if len(text) <= LONGEST and re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", text):
        return text
    start = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-_.")[: LONGEST - 9].rstrip("-_.")
    return f"{start}-{_digest(text, 8)}" if start else _digest(text, 8)


def is_ours(there, wanted):
    """Whether a PipelineRun that is there was made for the same attempt of the same stage run."""
    names = ("kabanero.io/stage-run", "kabanero.io/stage-run-uid", "kabanero.io/attempt")
    labels, ours = there["metadata"].get("labels") or {}, wanted["metadata"]["labels"]
    return any(name in ours for name in names) and all(labels.get(name) == ours.get(name) for name in names)


def _metadata(params):
    free = {
        "kabanero.io/stage": params["stage_name"],
        "kabanero.io/strategy": params["strategy"],
        "kabanero.io/strategy-run": params["strategy_run"],
        "kabanero.io/stage-run": params["stage_run"],
    }
    exact = {
        "kabanero.io/context-id": params["context_id"],
        "kabanero.io/stage-run-uid": params["stage_run_uid"],
        "kabanero.io/attempt": str(params["attempt"]) if params["stage_run"] else "",
    }
    labels = {name: label_value(value) for name, value in {**free, **exact}.items() if value}
    metadata = {
        "name": run_name(params),
        "namespace": params["namespace"],
        "labels": {**(params["labels"] or {}), **labels},
        "annotations": {**(params["annotations"] or {}), **{name: value for name, value in free.items() if value}},
    }
    return {**metadata, **_owner(params)}


def _owner(params):
    """Ties its life to the stage run's. An owner in another namespace doesn't count, and would get it deleted."""
    if not params["stage_run_uid"] or params["stage_run_namespace"] != params["namespace"]:
        return {}
    owner = {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": "StageRun",
        "name": params["stage_run"],
        "uid": params["stage_run_uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }
    return {"ownerReferences": [owner]}


def _spec(params, pipeline):
    declared = pipeline["spec"] if pipeline else None
    title = f"Pipeline {params['pipeline']}" if pipeline else "the Pipeline"
    values = {**(params["outputs"] or {}), **(params["inputs"] or {})}
    chosen = choose_params(
        (declared.get("params") or []) if pipeline else None,
        params["params"] or {},
        offer(values, _types(params["declared"] or {})),
        title,
    )
    spec = {"pipelineRef": _reference(params)}
    if chosen:
        spec["params"] = _list(chosen)
    workspaces = [_workspace(each, declared, title) for each in params["workspaces"] or ()]
    _check_workspaces(workspaces, declared, title)
    if workspaces:
        spec["workspaces"] = workspaces
    if params["service_account"]:
        spec["taskRunTemplate"] = {"serviceAccountName": params["service_account"]}
    timeouts = _timeouts(params)
    return {**spec, "timeouts": timeouts} if timeouts else spec


def _types(declared):
    sides = ("output", "input")
    return {each["name"]: each.get("type") or "string" for side in sides for each in declared.get(side) or ()}


def _reference(params):
    resolver = params["resolver"]
    if not resolver:
        return {"name": params["pipeline"]}
    reference = {"resolver": RESOLVERS.get(resolver["name"], resolver["name"])}
    given = resolver.get("params")
    return {**reference, "params": _list(given)} if given else reference


def _list(values):
    return [{"name": name, "value": value} for name, value in values.items()]


def _workspace(given, declared, title):
    entry = {key: value for key, value in given.items() if value not in (None, "")}
    if sum(source in entry for source in SOURCES) != 1:
        raise KabaneroError(
            f"workspace {given['name']} needs exactly one of {', '.join(SOURCES)}", reason="WorkspaceInvalid"
        )
    if declared is not None:
        names = [each["name"] for each in declared.get("workspaces") or ()]
        entry["name"] = spelled(given["name"], names, title, "workspace")
    return entry


def _check_workspaces(given, declared, title):
    there = {each["name"] for each in given}
    wanted = (declared or {}).get("workspaces") or ()
    lacking = [each["name"] for each in wanted if not each.get("optional") and each["name"] not in there]
    if lacking:
        raise KabaneroError(
            f"{title} needs the workspace {', '.join(lacking)}; name its volume in spec.workspaces of the stage",
            reason="WorkspacesMissing",
        )


def _timeouts(params):
    """Tekton's own timeouts; the stage's bounds the whole, so that Tekton ends what nobody waits for any more."""
    given = {name: text for name, text in (params["timeouts"] or {}).items() if text}
    if params["timeout"] and "pipeline" not in given:
        given["pipeline"] = f"{params['timeout']}s"
    return {name: go_duration(text) for name, text in given.items()}


def go_duration(text):
    """A length of time such as `1d12h` as Go reads it, which knows no days."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)", text)
    if not parts or "".join(map("".join, parts)) != text:
        raise KabaneroError(
            f"timeout {text!r} is not a length of time such as 90s, 10m or 1h30m", reason="TimeoutInvalid"
        )
    seconds = sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def _digest(text, length):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
