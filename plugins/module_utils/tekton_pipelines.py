# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipelines and PipelineRuns on a cluster. Used by the action plugin tekton_pipeline_run.

Each call may be made twice, since the PipelineRun's name says whose it is. So an API server that is away for a while is
waited for.
"""

from __future__ import annotations

import difflib
import time

from ansible_collections.kabanero.events.plugins.module_utils.errors import ApiError, KabaneroError, UnreachableError
from ansible_collections.kabanero.events.plugins.module_utils.tekton_run import API, is_ours, pipeline_run

BUSY = (429, 500, 502, 503, 504)
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds
NO_TEKTON = (
    f"the API server serves no {API}: is Tekton Pipelines installed there? A TektonStage needs a cluster, and a runner "
    "that keeps its resources there (kabanero serve --store kubernetes)"
)


class Pipelines:
    """Tekton as one user sees it in one namespace. `patience` (seconds) bounds how long an outage is waited out."""

    def __init__(self, client, namespace, patience, *, dry_run=False, clock=time.monotonic, pause=time.sleep):
        self._client, self._namespace, self._dry_run = client, namespace, dry_run
        self._patience, self._clock, self._pause = patience, clock, pause
        self._path = f"/apis/{API}/namespaces/{namespace}"

    def run(self, params):
        """Makes the PipelineRun that the options describe; returns it, and whether it is new. Raises KabaneroError."""
        pipeline = self._pipeline(params["pipeline"]) if params["pipeline"] else None
        return self._create(pipeline_run(params, pipeline))

    def _pipeline(self, name):
        try:
            return self._request("GET", f"pipelines/{name}")
        except ApiError as error:
            if error.reason == "NoSuchApi":
                raise KabaneroError(NO_TEKTON, reason="TektonNotFound")
            if error.reason != "NotFound":
                raise
        there = [each["metadata"]["name"] for each in self._request("GET", "pipelines")["items"]]
        near = difflib.get_close_matches(name, there, 1, 0.6)
        meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(there[:12]) or 'none'}"
        raise KabaneroError(
            f"there is no Pipeline {name} in namespace {self._namespace}; {meant}", reason="PipelineNotFound"
        )

    def _create(self, wanted):
        query = {"fieldValidation": "Strict", **({"dryRun": "All"} if self._dry_run else {})}
        try:
            return self._request("POST", "pipelineruns", query, wanted), True
        except ApiError as error:
            if error.reason == "NoSuchApi":
                raise KabaneroError(NO_TEKTON, reason="TektonNotFound")
            if error.reason != "AlreadyExists":
                raise
        name = wanted["metadata"]["name"]
        there = self._request("GET", f"pipelineruns/{name}")
        if not is_ours(there, wanted):
            raise KabaneroError(
                f"PipelineRun {name} is there already in namespace {self._namespace}, but was not made for this stage "
                "run; give another name or delete it",
                reason="PipelineRunTaken",
            )
        return there, False

    def _request(self, method, what, query=None, body=None):
        """As Client.request; waits while the server is away or busy."""
        deadline, pause = self._clock() + self._patience, FIRST_PAUSE
        while True:
            try:
                return self._client.request(method, f"{self._path}/{what}", query, body)
            except KabaneroError as error:
                if not _may_pass(error) or self._clock() + pause > deadline:
                    raise
            self._pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _may_pass(error):
    return isinstance(error, UnreachableError) or (isinstance(error, ApiError) and error.code in BUSY)
