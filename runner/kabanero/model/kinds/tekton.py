"""TektonStage: which pipeline does the work, and what it gets beside the stage's inputs.

The playbook that makes the PipelineRun gets this spec as `stage_spec`; how inputs become params is told there
(`plugins/module_utils/tekton_params.py`), how results become outputs in `model.tekton`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from kabanero.model.kinds.base import Duration, Model, Text, rule
from kabanero.model.kinds.stages import StageSpec

_SOURCES = ("emptyDir", "persistentVolumeClaim", "volumeClaimTemplate", "configMap", "secret", "projected", "csi")
_ONE_SOURCE = f"write exactly one of {', '.join(_SOURCES)}"
_ONE_PIPELINE = "write either pipelineName or resolver"


class PipelineResolver(Model):
    """Where Tekton fetches the Pipeline from."""

    name: Text = Field(description="The resolver: git, bundles, hub, cluster, http, or one of your own.")
    params: dict[str, Any] = Field(
        default={}, description="What the resolver needs to know, for git `url`, `revision` and `pathInRepo`."
    )


class StageWorkspace(Model):
    """One workspace of the Pipeline, and the volume that it stands on, in Tekton's own words."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-list-map-keys": ["name"],
            **rule(
                f"[{', '.join(f'has(self.{source})' for source in _SOURCES)}].exists_one(given, given)", _ONE_SOURCE
            )["json_schema_extra"],  # type: ignore[dict-item]
        }
    )

    name: Text = Field(description="Name that the Pipeline gives it.")
    sub_path: str = Field(default="", description="Folder in the volume.")
    empty_dir: dict[str, Any] | None = Field(default=None, description="A folder that ends with its one TaskRun.")
    persistent_volume_claim: dict[str, Any] | None = Field(default=None, description="A claim: `claimName`.")
    volume_claim_template: dict[str, Any] | None = Field(
        default=None, description="A claim that is made for each run and deleted with it."
    )
    config_map: dict[str, Any] | None = Field(default=None, description="A ConfigMap: `name`.")
    secret: dict[str, Any] | None = Field(default=None, description="A Secret: `secretName`.")
    projected: dict[str, Any] | None = Field(default=None, description="Several sources as one volume.")
    csi: dict[str, Any] | None = Field(default=None, description="A volume of a CSI driver.")

    @model_validator(mode="after")
    def _one_source(self) -> StageWorkspace:
        given = self.model_dump(by_alias=True, exclude_none=True)
        if sum(source in given for source in _SOURCES) != 1:
            raise ValueError(_ONE_SOURCE)
        return self


class PipelineTimeouts(Model):
    """How long the PipelineRun may take; `tasks` and `finally` together not longer than `pipeline`."""

    pipeline: Duration | None = Field(default=None, description="The whole; absent: the stage's timeout.")
    tasks: Duration | None = Field(default=None, description="All tasks but those in `finally`.")
    finally_: Duration | None = Field(default=None, alias="finally", description="The tasks in `finally`.")


class ResultBinding(Model):
    """Binds one result of the Pipeline to one output of the stage, where their names don't say it."""

    result: Text = Field(description="Name of the Pipeline's result.")
    output: Text = Field(description="Name of the output resource that it sets.")
    field: str = Field(default="", description="Field of the output, such as location; empty: the whole output.")


class TektonStageSpec(StageSpec):
    """A stage whose work is a Tekton pipeline."""

    model_config = rule(
        "(has(self.pipelineName) && self.pipelineName != '') != has(self.resolver)",
        _ONE_PIPELINE,
    )

    pipeline_name: Text | None = Field(default=None, description="Name of a Pipeline on the cluster.")
    pipeline_namespace: str = Field(
        default="", description="Namespace of the Pipeline, where it also runs; empty: the stage's own."
    )
    resolver: PipelineResolver | None = Field(
        default=None, description="Fetches the Pipeline at each run, instead of pipelineName."
    )
    service_account: str = Field(default="", description="ServiceAccount of the PipelineRun; empty: the default one.")
    params: dict[str, Any] = Field(
        default={},
        description="Params of the Pipeline by name, each a text, a list or a map of texts. They count before what the "
        "stage's inputs say. `${resources.input.NAME.FIELD}`, `${variables.NAME}` and `${contextID}` are put in as "
        "plain values.",
    )
    workspaces: tuple[StageWorkspace, ...] = Field(default=(), description="Workspaces of the Pipeline.")
    timeouts: PipelineTimeouts | None = Field(default=None, description="Timeouts of the PipelineRun.")
    results: tuple[ResultBinding, ...] = Field(
        default=(),
        description="Results that set outputs of another name. A result called like an output, or like it with `-url`, "
        "`-digest` or another field behind, needs no entry.",
    )
    on_interrupted: Literal["Error", "Retry"] = Field(
        default="Retry",
        description="What to do when the runner's machine died while it made the PipelineRun. Its name is derived from "
        "the stage run and attempt, so trying again makes no second one.",
    )

    @model_validator(mode="after")
    def _one_pipeline(self) -> TektonStageSpec:
        if (self.pipeline_name is None) == (self.resolver is None):
            raise ValueError(_ONE_PIPELINE)
        return self
