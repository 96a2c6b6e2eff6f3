"""From a JobTemplateStage and its StageRun to what a job server is asked for, and back from `status.job`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kabanero.controllers.definitions import StagePlan
from kabanero.controllers.durations import seconds
from kabanero.controllers.stage_vars import extra_vars
from kabanero.model.kinds.job_template import JobConnection, JobTemplateStageSpec, LaunchedJob
from kabanero.model.kinds.runs import StagePhase, WaitsOn
from kabanero.model.resource import Resource
from kabanero.ports import JobOrder, JobPlace, JobTicket

MARKS = ("stage_run_uid", "stage_attempt")
"""Variables that only the job of one attempt has."""
LINK = "AWX job"
_PROMPTS = {
    "inventory": "inventory",
    "limit": "limit",
    "credentials": "credentials",
    "tags": "job_tags",
    "skipTags": "skip_tags",
    "verbosity": "verbosity",
    "scmBranch": "scm_branch",
    "jobType": "job_type",
    "diffMode": "diff_mode",
    "forks": "forks",
    "jobSliceCount": "job_slice_count",
    "executionEnvironment": "execution_environment",
}
_COMMA_SEPARATED = ("job_tags", "skip_tags")


def place_of(namespace: str, connection: JobConnection) -> JobPlace:
    """Where the jobs are."""
    return JobPlace(
        connection.url,
        namespace,
        connection.secret,
        connection.api_path,
        connection.verify_tls,
        connection.ca_certificate,
        seconds(connection.poll_interval),
    )


def order_of(stage_run: Resource, plan: StagePlan, timeout: float) -> JobOrder:
    """What to launch. Raises InvalidError for a placeholder that can't be filled in."""
    told = extra_vars(stage_run, plan, timeout)
    filled: Mapping[str, Any] = told["stage_spec"]
    spec = JobTemplateStageSpec.model_validate(filled)
    return JobOrder(
        place=place_of(stage_run["metadata"]["namespace"], spec.connection),
        template=spec.job_template or spec.workflow_template or "",
        marks={name: told[name] for name in MARKS},
        extra_vars={**spec.extra_vars, **told},
        workflow=spec.workflow_template is not None,
        organization=spec.organization,
        prompts=_prompts(filled),
        timeout=timeout,
    )


def _prompts(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, by AWX's names; nothing stands for the template's own."""
    given = {theirs: spec[ours] for ours, theirs in _PROMPTS.items() if spec.get(ours) not in (None, "", [], ())}
    return {name: ",".join(value) if name in _COMMA_SEPARATED else value for name, value in given.items()}


def job_of(stage_run: Resource) -> tuple[LaunchedJob, JobTicket] | None:
    """What this attempt's status says of its job; None before anything could have been launched."""
    written = (stage_run.get("status") or {}).get("job")
    if not written:
        return None
    job = LaunchedJob.model_validate(written)
    link = (stage_run["status"].get("links") or {}).get(LINK, "")
    requested = datetime.fromisoformat(job.requested)
    return job, JobTicket(job.template_type, job.template, job.after, requested, job.type, job.id, link)


def fields_of(connection: JobConnection, ticket: JobTicket) -> dict[str, Any]:
    """Fields of the status of a stage whose job is launched, or about to be."""
    job = LaunchedJob(
        connection=connection,
        template_type=ticket.template_type,
        template=ticket.template,
        after=ticket.after,
        requested=ticket.requested.isoformat(),
        type=ticket.type,
        id=ticket.id,
    )
    fields = {
        "phase": StagePhase.RUNNING.value,
        "waitsOn": WaitsOn.JOB.value,
        "job": job.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    return {**fields, "links": {LINK: ticket.link}} if ticket.link else fields
