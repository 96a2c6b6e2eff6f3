"""The list of all kinds: API server, CRDs, validation, reference docs and stores' indexes are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kabanero.model.kinds import job_template, queue, runs, sources, stages, strategy, tekton, trigger
from kabanero.model.kinds.base import Model
from kabanero.model.kinds.changes import EVENT_CHANGES, RUN_CHANGES, STAGE_RUN_CHANGES, ChangeRule
from kabanero.model.resource import GROUP, VERSION, ResourceType

ModelClass = type[Model]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`. `path` is a JSONPath as in a CRD; priority 1 shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: how it is named, what its spec and status hold, how it is shown."""

    type: ResourceType
    description: str
    spec: ModelClass
    status: ModelClass
    columns: tuple[Column, ...] = field(default=())
    is_stage: bool = False
    changes: tuple[ChangeRule, ...] = ()


def _type(kind: str, plural: str, *short: str, selectable: tuple[str, ...] = ()) -> ResourceType:
    return ResourceType(
        GROUP, VERSION, kind, plural, kind.lower(), short_names=short, categories=("kabanero",), selectable=selectable
    )


AGE = Column("Age", ".metadata.creationTimestamp", "date")
READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status')
_REASON = Column("Reason", '.status.conditions[?(@.type=="Ready")].message', priority=1)

STRATEGY_DEFINITION = Kind(
    _type("StrategyDefinition", "strategydefinitions", "strategy", "strategies", "sd"),
    "Stages linked by events, with variables bound to their inputs and outputs.",
    strategy.StrategySpec,
    strategy.StrategyStatus,
    (READY, _REASON, AGE),
)
STRATEGY_TRIGGER = Kind(
    _type("StrategyTrigger", "strategytriggers", "trigger", "triggers", selectable=("spec.strategy",)),
    "Outside events that start a run of a strategy.",
    trigger.StrategyTriggerSpec,
    trigger.StrategyTriggerStatus,
    (Column("Strategy", ".spec.strategy"), READY, _REASON, AGE),
)
STRATEGY_RUN = Kind(
    _type(
        "StrategyRun",
        "strategyruns",
        "run",
        "runs",
        selectable=("spec.strategy", "status.phase", "status.contextID", "status.starting", "spec.cancel"),
    ),
    "One execution of a strategy.",
    runs.StrategyRunSpec,
    runs.RunStatus,
    (
        Column("Strategy", ".spec.strategy"),
        Column("Phase", ".status.phase"),
        Column("Summary", ".status.summary"),
        Column("Context", ".status.contextID", priority=1),
        Column("Completed", ".status.completionTime", "date", priority=1),
        AGE,
    ),
    changes=RUN_CHANGES,
)
STAGE_RUN = Kind(
    _type(
        "StageRun",
        "stageruns",
        "sr",
        selectable=(
            "spec.strategyRun",
            "spec.stageName",
            "spec.stageRef.kind",
            "status.phase",
            "status.waitsOn",
            "spec.approval.decision",
            "spec.cancel",
            "spec.attempt",
        ),
    ),
    "One execution of one stage of a strategy run.",
    runs.StageRunSpec,
    runs.StageRunStatus,
    (
        Column("Run", ".spec.strategyRun"),
        Column("Stage", ".spec.stageName"),
        Column("Phase", ".status.phase"),
        Column("Reason", ".status.reason"),
        Column("Kind", ".spec.stageRef.kind", priority=1),
        Column("Message", ".status.message", priority=1),
        AGE,
    ),
    changes=STAGE_RUN_CHANGES,
)


def _stage(kind: str, plural: str, description: str, spec: type[Model], *columns: Column) -> Kind:
    return Kind(_type(kind, plural), description, spec, stages.StageStatus, (*columns, READY, AGE), is_stage=True)


PLAYBOOK_STAGE = _stage(
    "PlaybookStage",
    "playbookstages",
    "A stage whose work is an Ansible playbook.",
    stages.PlaybookStageSpec,
    Column("Playbook", ".spec.playbook"),
)
TEKTON_STAGE = _stage(
    "TektonStage",
    "tektonstages",
    "A stage whose work is a Tekton pipeline.",
    tekton.TektonStageSpec,
    Column("Pipeline", ".spec.pipelineName"),
)
JOB_TEMPLATE_STAGE = _stage(
    "JobTemplateStage",
    "jobtemplatestages",
    "A stage whose work is a job of AWX.",
    job_template.JobTemplateStageSpec,
    Column("Job", ".spec.jobTemplate"),
    Column("Workflow", ".spec.workflowTemplate"),
)
APPSODY_BUILD = _stage(
    "AppsodyBuild", "appsodybuilds", "Builds an application by the stack of its repository.", stages.AppsodyBuildSpec
)
EMAIL_APPROVAL_STAGE = _stage(
    "EmailApprovalStage", "emailapprovalstages", "Waits for a person's approval.", stages.EmailApprovalStageSpec
)
STAGE_KIND = Kind(
    _type("StageKind", "stagekinds", selectable=("spec.kind",)),
    "Declares a kind of stage, or exchanges the playbook of one.",
    stages.StageKindSpec,
    stages.StageStatus,
    (Column("Kind", ".spec.kind"), Column("Controller", ".spec.controller"), READY, AGE),
)
GITHUB_EVENT_SOURCE = Kind(
    _type("GithubEventSource", "githubeventsources", "ges"),
    "A repository or organisation whose webhooks are accepted.",
    sources.GithubEventSourceSpec,
    sources.GithubEventSourceStatus,
    (Column("URL", ".spec.url"), Column("Configured", ".status.configured", "boolean"), AGE),
)
STRATEGY_EVENT = Kind(
    _type("StrategyEvent", "strategyevents", selectable=("status.emitted",)),
    "An event to be sent, once.",
    sources.StrategyEventSpec,
    sources.StrategyEventStatus,
    (Column("Topic", ".spec.topic"), Column("Emitted", ".status.emitted", "boolean"), AGE),
    changes=EVENT_CHANGES,
)

KINDS: tuple[Kind, ...] = (
    STRATEGY_DEFINITION,
    STRATEGY_TRIGGER,
    STRATEGY_RUN,
    STAGE_RUN,
    PLAYBOOK_STAGE,
    TEKTON_STAGE,
    JOB_TEMPLATE_STAGE,
    APPSODY_BUILD,
    EMAIL_APPROVAL_STAGE,
    STAGE_KIND,
    GITHUB_EVENT_SOURCE,
    STRATEGY_EVENT,
)
BY_KIND = {kind.type.kind: kind for kind in KINDS}

QUEUED_EVENT = Kind(
    ResourceType(
        GROUP,
        VERSION,
        "QueuedEvent",
        "queuedevents",
        "queuedevent",
        selectable=("spec.id", "spec.topic", "spec.context", "spec.partOf", "status.fate", "status.dead"),
    ),
    "An event on the bus of a runner that keeps its resources in this cluster; not for people to write.",
    queue.QueuedEventSpec,
    queue.QueuedEventStatus,
    (
        Column("Topic", ".spec.topic"),
        Column("Event", ".spec.type"),
        Column("Fate", ".status.fate"),
        Column("Size", ".spec.size", "integer", priority=1),
        Column("Context", ".spec.context", priority=1),
        AGE,
    ),
)
INTERNAL_KINDS = (QUEUED_EVENT,)
"""Kinds that a cluster must know, but that only the runner writes: no reference, and not served by the runner."""
