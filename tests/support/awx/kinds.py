"""The kinds of resources: their fields with defaults, what they refer to, and which lists hang below them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NAMED = {"name": "", "description": ""}
PROMPTS = {
    "extra_vars": "ask_variables_on_launch",
    "limit": "ask_limit_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "job_type": "ask_job_type_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "inventory": "ask_inventory_on_launch",
    "credentials": "ask_credential_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "timeout": "ask_timeout_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "instance_groups": "ask_instance_groups_on_launch",
    "labels": "ask_labels_on_launch",
}
"""Field of a launch, and the field of a job template that allows it."""
WORKFLOW_PROMPTS = {
    name: PROMPTS[name]
    for name in ("extra_vars", "limit", "job_tags", "skip_tags", "inventory", "scm_branch", "labels")
}


@dataclass(frozen=True)
class Kind:
    """One kind. `related` are fields that hold the id of another; `lists` are lists of others that can be changed."""

    type: str
    plural: str
    fields: dict[str, Any]
    required: tuple[str, ...] = ("name",)
    related: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    unique: tuple[str, ...] = ("name",)
    links: tuple[str, ...] = ()
    read_only: bool = False


_NOTIFIED = {f"notification_templates_{when}": "notification_templates" for when in ("started", "success", "error")}
_JOB = {
    "extra_vars": "",
    "limit": "",
    "job_tags": "",
    "skip_tags": "",
    "scm_branch": "",
    "verbosity": 0,
    "forks": 0,
    "timeout": 0,
    "job_type": "run",
    "diff_mode": False,
    "job_slice_count": 1,
    "inventory": None,
    "execution_environment": None,
}
_WEBHOOK = {"webhook_service": "", "webhook_credential": None}
_RUN = {
    "status": "new",
    "failed": False,
    "started": None,
    "finished": None,
    "elapsed": 0.0,
    "launch_type": "manual",
    "job_explanation": "",
    "result_traceback": "",
    "event_processing_finished": False,
    "unified_job_template": None,
    "artifacts": {},
    "webhook_service": "",
    "webhook_guid": "",
}
_TEMPLATE_REFS = {
    "organization": "organizations",
    "inventory": "inventories",
    "project": "projects",
    "webhook_credential": "credentials",
    "execution_environment": "execution_environments",
}
KINDS = (
    Kind("organization", "organizations", {**NAMED, "max_hosts": 0}, lists={**_NOTIFIED, "instance_groups": ""}),
    Kind(
        "user",
        "users",
        {"username": "", "first_name": "", "last_name": "", "email": "", "is_superuser": False, "password": ""},
        required=("username", "password"),
        unique=("username",),
    ),
    Kind(
        "o_auth2_access_token",
        "tokens",
        {
            "description": "",
            "application": None,
            "scope": "write",
            "token": "",
            "refresh_token": None,
            "user": None,
            "expires": None,
        },
        required=(),
        unique=(),
        related={"application": "applications", "user": "users"},
    ),
    Kind(
        "o_auth2_application",
        "applications",
        {
            **NAMED,
            "client_id": "",
            "client_secret": "",
            "client_type": "confidential",
            "redirect_uris": "",
            "authorization_grant_type": "authorization-code",
            "skip_authorization": False,
            "organization": None,
        },
        required=("name", "client_type", "authorization_grant_type", "organization"),
        unique=("name", "organization"),
        related={"organization": "organizations"},
    ),
    Kind(
        "credential_type",
        "credential_types",
        {**NAMED, "kind": "cloud", "namespace": None, "managed": False, "inputs": {}, "injectors": {}},
        required=("name", "kind"),
        unique=("name", "kind"),
    ),
    Kind(
        "credential",
        "credentials",
        {**NAMED, "organization": None, "credential_type": None, "inputs": {}, "user": None, "team": None},
        required=("name", "credential_type"),
        related={"organization": "organizations", "credential_type": "credential_types"},
        unique=("name", "organization", "credential_type"),
    ),
    Kind(
        "inventory",
        "inventories",
        {**NAMED, "organization": None, "kind": "", "host_filter": None, "variables": ""},
        required=("name", "organization"),
        related={"organization": "organizations"},
        unique=("name", "organization"),
        lists={"instance_groups": "instance_groups"},
        links=("hosts",),
    ),
    Kind("execution_environment", "execution_environments", {**NAMED, "image": ""}, required=("name", "image")),
    Kind("label", "labels", {"name": "", "organization": None}, related={"organization": "organizations"}),
    Kind("instance_group", "instance_groups", {"name": ""}),
    Kind("notification_template", "notification_templates", {**NAMED, "organization": None}),
    Kind(
        "project",
        "projects",
        {
            **NAMED,
            "organization": None,
            "scm_type": "",
            "scm_url": "",
            "scm_branch": "",
            "scm_clean": False,
            "scm_delete_on_update": False,
            "scm_track_submodules": False,
            "scm_update_on_launch": False,
            "scm_update_cache_timeout": 0,
            "allow_override": False,
            "credential": None,
            "local_path": "",
            "timeout": 0,
            "scm_revision": "",
            "last_job_failed": False,
            "status": "successful",
        },
        related={"organization": "organizations", "credential": "credentials"},
        unique=("name", "organization"),
        lists=_NOTIFIED,
        links=("update", "playbooks"),
    ),
    Kind(
        "job_template",
        "job_templates",
        {
            **NAMED,
            **_JOB,
            **_WEBHOOK,
            **dict.fromkeys(PROMPTS.values(), False),
            "organization": None,
            "project": None,
            "playbook": "",
            "survey_enabled": False,
            "allow_simultaneous": False,
            "become_enabled": False,
            "use_fact_cache": False,
            "host_config_key": "",
            "force_handlers": False,
            "start_at_task": "",
        },
        related=_TEMPLATE_REFS,
        unique=("name", "organization"),
        lists={
            "credentials": "credentials",
            "labels": "labels",
            "instance_groups": "instance_groups",
            **_NOTIFIED,
        },
        links=("launch", "survey_spec", "webhook_key", "jobs", "slice_workflow_jobs", "webhook_receiver"),
    ),
    Kind(
        "workflow_job_template",
        "workflow_job_templates",
        {
            **NAMED,
            **{name: _JOB[name] for name in WORKFLOW_PROMPTS if name in _JOB},
            **_WEBHOOK,
            **dict.fromkeys(WORKFLOW_PROMPTS.values(), False),
            "organization": None,
            "survey_enabled": False,
            "allow_simultaneous": False,
        },
        related={name: _TEMPLATE_REFS[name] for name in ("organization", "inventory", "webhook_credential")},
        unique=("name", "organization"),
        lists={"labels": "labels", **_NOTIFIED, "notification_templates_approvals": "notification_templates"},
        links=("launch", "survey_spec", "webhook_key", "workflow_jobs", "workflow_nodes"),
    ),
    Kind(
        "workflow_job_template_node",
        "workflow_job_template_nodes",
        {
            **{name: None for name in _JOB if name != "extra_vars"},
            "extra_data": {},
            "workflow_job_template": None,
            "unified_job_template": None,
            "identifier": "",
            "all_parents_must_converge": False,
        },
        required=("workflow_job_template",),
        related={"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        unique=("identifier", "workflow_job_template"),
        lists={
            **{f"{when}_nodes": "workflow_job_template_nodes" for when in ("success", "failure", "always")},
            "credentials": "credentials",
            "labels": "labels",
            "instance_groups": "instance_groups",
        },
    ),
    Kind(
        "job",
        "jobs",
        {**NAMED, **_JOB, **_RUN, "job_template": None, "project": None, "playbook": "", "job_slice_number": 0},
        related={
            "job_template": "job_templates",
            "project": "projects",
            "inventory": "inventories",
            "unified_job_template": "unified_job_templates",
        },
        lists={"credentials": "credentials", "labels": "labels"},
        links=("job_events", "stdout", "cancel", "relaunch"),
        unique=(),
        read_only=True,
    ),
    Kind(
        "workflow_job",
        "workflow_jobs",
        {
            **NAMED,
            **{name: _JOB[name] for name in WORKFLOW_PROMPTS if name in _JOB},
            **{name: _RUN[name] for name in _RUN if name not in ("artifacts", "event_processing_finished")},
            "workflow_job_template": None,
            "is_sliced_job": False,
            "job_template": None,
        },
        related={
            "workflow_job_template": "workflow_job_templates",
            "job_template": "job_templates",
            "unified_job_template": "unified_job_templates",
        },
        links=("workflow_nodes", "cancel", "relaunch"),
        unique=(),
        read_only=True,
    ),
    Kind(
        "workflow_job_node",
        "workflow_job_nodes",
        {"workflow_job": None, "job": None, "unified_job_template": None, "identifier": "", "do_not_run": False},
        related={"workflow_job": "workflow_jobs", "job": "jobs", "unified_job_template": "unified_job_templates"},
        required=(),
        unique=(),
        read_only=True,
    ),
    Kind(
        "project_update",
        "project_updates",
        {**NAMED, **_RUN, "project": None},
        related={"project": "projects", "unified_job_template": "unified_job_templates"},
        unique=(),
        read_only=True,
    ),
    Kind(
        "job_event",
        "job_events",
        {
            **dict.fromkeys(("event", "event_display", "host_name", "playbook", "play", "task", "role", "stdout"), ""),
            "job": None,
            "host": None,
            "counter": 0,
            "event_data": {},
            "failed": False,
            "changed": False,
            "start_line": 0,
            "end_line": 0,
        },
        related={"job": "jobs"},
        required=(),
        unique=(),
        read_only=True,
    ),
)
BY_PLURAL = {kind.plural: kind for kind in KINDS}
UNIFIED = {
    "unified_job_templates": ("projects", "job_templates", "workflow_job_templates"),
    "unified_jobs": ("jobs", "workflow_jobs", "project_updates"),
}
"""Lists over several kinds."""
