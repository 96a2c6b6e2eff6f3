"""JobTemplateStage: which template of AWX does the work, and what it is launched with beside the stage's variables.

`controllers.job_stages` acts on it; `status.job` of a StageRun (`LaunchedJob`) is what must survive a crash so that no
template is launched twice.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from kabanero.model.kinds.base import Duration, Model, Text, rule
from kabanero.model.kinds.stages import StageSpec

_ONE_TEMPLATE = "write either jobTemplate or workflowTemplate"


class JobConnection(Model):
    """Where an AWX (or automation controller) is, and how its API lets us in."""

    url: str = Field(description="Its address, such as https://awx.example.com.", pattern=r"^https?://[^\s/]+(/\S*)?$")
    secret: Text = Field(
        description="Name of a Secret in the stage's namespace: `token`, or `username` and `password`, or the "
        "`refresh_token`, `client_id` and `client_secret` of an application, whose new tokens are written into it. It "
        "is read again when it is refused."
    )
    api_path: str = Field(
        default="/api/v2",
        description="Where its API begins; /api/controller/v2 behind a platform gateway.",
        pattern=r"^/\S*[^/]$",
    )
    verify_tls: bool = Field(default=True, description="Whether its certificate must be valid.")
    ca_certificate: str = Field(
        default="", description="Certificates (PEM) of the authority that signed it; empty: those of the system."
    )
    poll_interval: Duration = Field(
        default="5s", description="How often it is asked for its jobs: one request for up to 200 of them."
    )


class JobTemplateStageSpec(StageSpec):
    """A stage whose work is a job of AWX, or of a workflow there."""

    model_config = rule(
        "(has(self.jobTemplate) && self.jobTemplate != '') != (has(self.workflowTemplate) && "
        "self.workflowTemplate != '')",
        _ONE_TEMPLATE,
    )

    connection: JobConnection = Field(description="The AWX that has the template.")
    job_template: Text | None = Field(default=None, description="Name or id of a job template.")
    workflow_template: Text | None = Field(default=None, description="Name or id of a workflow job template.")
    organization: str = Field(
        default="", description="Name of the template's organization, where several have one of that name."
    )
    extra_vars: dict[str, Any] = Field(
        default={},
        description="Further variables of the job. `${resources.input.NAME.FIELD}`, `${variables.NAME}` and "
        "`${contextID}` are put in as plain values. Those that every stage gets count before them.",
    )
    inventory: str = Field(default="", description="Name or id of an inventory; empty: the template's.")
    limit: str = Field(default="", description="Hosts to limit the job to; placeholders as in extraVars.")
    credentials: tuple[Text, ...] = Field(
        default=(), description="Names or ids of credentials, in place of the template's."
    )
    tags: tuple[Text, ...] = Field(default=(), description="Only tasks with these tags.")
    skip_tags: tuple[Text, ...] = Field(default=(), description="No tasks with these tags.")
    verbosity: int | None = Field(default=None, ge=0, le=5, description="How much the job prints.")
    scm_branch: str = Field(default="", description="Branch, tag or commit of the project; placeholders as in limit.")
    job_type: Literal["run", "check"] | None = Field(default=None, description="check: change nothing.")
    diff_mode: bool | None = Field(default=None, description="Whether changes are shown.")
    forks: int | None = Field(default=None, ge=0, description="Hosts at the same time.")
    job_slice_count: int | None = Field(default=None, ge=1, description="Jobs that the inventory is divided among.")
    execution_environment: str = Field(default="", description="Name or id of an execution environment.")

    @model_validator(mode="after")
    def _one_template(self) -> JobTemplateStageSpec:
        if (self.job_template is None) == (self.workflow_template is None):
            raise ValueError(_ONE_TEMPLATE)
        return self


class LaunchedJob(Model):
    """A job at an AWX that a stage has launched, or is about to."""

    connection: JobConnection = Field(description="The AWX that has it.")
    template_type: Literal["job_template", "workflow_job_template"] = Field(description="What was launched.")
    template: int = Field(description="Id of the template.")
    after: int = Field(default=0, description="Id of the template's newest job before the launch; ours is higher.")
    requested: str = Field(description="When the launch was asked for (RFC 3339), by the runner's clock.")
    type: Literal["job", "workflow_job"] | None = Field(default=None, description="What came of it.")
    id: int | None = Field(default=None, description="Id of the job; absent until the launch has been answered.")
