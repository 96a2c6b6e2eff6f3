# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources as the modules handle them: what is wanted, what is there, and how the one becomes the other.

Used by core and runs. Checking is left to the server, by `dryRun=All` and `fieldValidation=Strict`.
"""

from __future__ import annotations

import difflib

from ansible_collections.kabanero.events.plugins.module_utils.errors import ApiError, KabaneroError

API_VERSION = "kabanero.io/v1alpha1"
PAGE = 500
CONFLICTS = 5  # how often somebody else may get in between reading and writing
VOLATILE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
PLURALS = {
    "AppsodyBuild": "appsodybuilds",
    "EmailApprovalStage": "emailapprovalstages",
    "GithubEventSource": "githubeventsources",
    "JobTemplateStage": "jobtemplatestages",
    "PlaybookStage": "playbookstages",
    "StageKind": "stagekinds",
    "StageRun": "stageruns",
    "StrategyDefinition": "strategydefinitions",
    "StrategyEvent": "strategyevents",
    "StrategyRun": "strategyruns",
    "StrategyTrigger": "strategytriggers",
    "TektonStage": "tektonstages",
}


def merged(there, wanted):
    """What is there with what is wanted laid over it: mappings are merged, None removes, all else is replaced."""
    result = dict(there)
    for key, value in wanted.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            old = result.get(key)
            result[key] = merged(old if isinstance(old, dict) else {}, value)
        else:
            result[key] = value
    return result


def shown(resource):
    """What a diff shows: without status and what the server keeps for itself."""
    if not resource:
        return {}
    visible = {key: value for key, value in resource.items() if key != "status"}
    visible["metadata"] = {key: value for key, value in resource["metadata"].items() if key not in VOLATILE}
    return visible


def returned(resource):
    """What a module returns: without the bookkeeping of server-side apply."""
    metadata = {key: value for key, value in resource["metadata"].items() if key != "managedFields"}
    return dict(resource, metadata=metadata)


class Resources:
    """The resources of one kind in one namespace. In check mode the server does everything but write."""

    def __init__(self, client, kind, check_mode=False):
        self.kind = kind
        self.namespace = client.connection.namespace
        self._client = client
        self._path = f"/apis/{API_VERSION}/namespaces/{self.namespace}/{_plural(client, kind)}"
        self._write = {"fieldValidation": "Strict", "fieldManager": "kabanero.events"}
        self._dry = {"dryRun": "All"} if check_mode else {}
        self._write.update(self._dry)

    def get(self, name):
        """The resource, or None."""
        try:
            return self._client.request("GET", f"{self._path}/{name}")
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return None

    def find(self, fields, labels=()):
        """All whose fields have these values, and whose labels the selectors let through."""
        query = {"fieldSelector": ",".join(f"{field}={value}" for field, value in fields.items())}
        query.update(labelSelector=",".join(labels), limit=str(PAGE))
        found = []
        while True:
            page = self._client.request("GET", self._path, {key: value for key, value in query.items() if value})
            found += [dict(item, apiVersion=API_VERSION, kind=self.kind) for item in page["items"]]
            query["continue"] = (page.get("metadata") or {}).get("continue")
            if not query["continue"]:
                return found

    def create(self, wanted):
        """Raises ApiError with reason AlreadyExists."""
        return self._client.request("POST", self._path, self._write, self._whole(wanted))

    def apply(self, wanted):
        """Makes it, or lays what is wanted over what is there. Returns before (or None) and after."""
        name = wanted["metadata"]["name"]
        for _attempt in range(CONFLICTS):
            before = self.get(name)
            try:
                if before is None:
                    return None, self.create(wanted)
                after = merged(before, self._whole(wanted))
                if after == before:
                    return before, before
                return before, self._client.request("PUT", f"{self._path}/{name}", self._write, after)
            except ApiError as error:
                if error.reason not in ("Conflict", "AlreadyExists"):
                    raise
        raise KabaneroError(f"{self.kind} {name} was changed by somebody else {CONFLICTS} times in a row; try again")

    def remove(self, name):
        """Deletes it; returns what was there, or None."""
        before = self.get(name)
        if before is not None and "deletionTimestamp" not in before["metadata"]:
            self._client.request("DELETE", f"{self._path}/{name}", self._dry)
        return before

    def patch_status(self, name, status):
        """Lays fields over the status of one resource; returns the resource."""
        path, body = f"{self._path}/{name}/status", {"status": status}
        return self._client.request("PATCH", path, self._dry, body, "application/merge-patch+json")

    def watch(self, name, since, timeout):
        """Changes of one resource after version `since`."""
        query = {"fieldSelector": f"metadata.name={name}", "resourceVersion": since}
        return self._client.watch(self._path, query, timeout)

    def _whole(self, wanted):
        metadata = dict(wanted["metadata"], namespace=self.namespace)
        return dict(wanted, apiVersion=API_VERSION, kind=self.kind, metadata=metadata)


def _plural(client, kind):
    """The kind's name in paths; kinds that are not our own are looked up."""
    if kind in PLURALS:
        return PLURALS[kind]
    served = client.request("GET", f"/apis/{API_VERSION}")["resources"]
    plurals = {entry["kind"]: entry["name"] for entry in served if "/" not in entry["name"]}
    if kind in plurals:
        return plurals[kind]
    near = difflib.get_close_matches(kind, plurals, 1, 0.5)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(plurals))}"
    raise KabaneroError(f"the server has no kind {kind!r}; {meant} A kind of your own needs a StageKind first.")
