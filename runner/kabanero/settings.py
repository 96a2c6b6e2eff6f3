"""Every setting of the runner: what it does, its unit, its default and how to switch it off.

Read by `app` from a YAML file (`--config`) and from `kabanero serve`'s options, which win. The reference in
docs/reference/settings.md is made from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.nearmiss import near_miss


def unit(name: str = "", *, off: str = "") -> dict[str, Any]:
    """What a number counts, and the value that switches off what the setting does; the reference shows both."""
    return {"unit": name, "off": off}


class Section(BaseModel):
    """A part of the settings; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Listener(Section):
    """An address to listen on."""

    listen: str = Field(default="127.0.0.1:8080", description="HOST:PORT; port 0 picks a free one.")
    certificate: Path | None = Field(default=None, description="PEM file; with it the address speaks TLS.")
    private_key: Path | None = Field(default=None, description="PEM file of the certificate's key.")


class WebhookSettings(Section):
    """How webhooks are received."""

    listener: Listener | None = Field(
        default=None, description="An address of its own, so that only it need face the internet. Absent: the API's."
    )
    body_limit: int = Field(
        default=25 * 1024 * 1024,
        gt=0,
        description="Largest body; GitHub sends up to 25 MB.",
        json_schema_extra=unit("bytes"),
    )
    body_timeout: float = Field(
        default=10.0,
        ge=0,
        description="Longest time for a whole request, of the API too.",
        json_schema_extra=unit("seconds", off="0"),
    )
    in_flight: int = Field(
        default=1024,
        gt=0,
        description="Webhooks handled at the same time; further ones are answered 503.",
        json_schema_extra=unit("requests"),
    )
    shared_namespace: str = Field(
        default="kabanero",
        description="Namespace whose event sources start runs in every namespace; empty: each source in its own only.",
        json_schema_extra=unit(off="''"),
    )


class ExecutorSettings(Section):
    """How playbooks are carried out."""

    warm: bool = Field(default=True, description="Keep a process with Ansible loaded; false: every playbook cold.")
    direct: bool = Field(
        default=True,
        description="Make the PipelineRun of a TektonStage that has no playbook of its own without playing the "
        "collection's; false: play it. A warm executor alone does so.",
    )
    inline: bool = Field(
        default=True,
        description="Do tasks that only compute or ask the API (set_fact, debug, assert, those of kabanero.events) in "
        "the process of their playbook; false: fork one for every task, as Ansible does. Warm executors only.",
    )
    parallel: int = Field(
        default=4,
        gt=0,
        description="Playbooks that run at the same time; others wait their turn.",
        json_schema_extra=unit("playbooks"),
    )
    timeout: float = Field(
        default=3600.0,
        ge=0,
        description="Longest time of a playbook whose stage names no `timeout`.",
        json_schema_extra=unit("seconds", off="0"),
    )
    collections_path: str = Field(
        default="", description="Folders of Ansible collections, separated by colons; empty: Ansible's own default."
    )
    log_limit: int = Field(
        default=20_000_000,
        gt=0,
        description="Most that is kept of one playbook's output.",
        json_schema_extra=unit("bytes"),
    )


class StagesSettings(Section):
    """Stages whose work goes on outside the runner: PipelineRuns, jobs of AWX."""

    cancel_grace: float = Field(
        default=60.0,
        ge=0,
        description="How long cancelled work, such as `finally` tasks of a pipeline, is waited for before the stage "
        "ends without it.",
        json_schema_extra=unit("seconds", off="0"),
    )
    timeout_grace: float = Field(
        default=10.0,
        ge=0,
        description="How long after a stage's timeout Tekton's own word on it is waited for.",
        json_schema_extra=unit("seconds", off="0"),
    )


class KubernetesEventSettings(Section):
    """Events of the topic KubernetesAPI."""

    memory: int = Field(
        default=64 * 1024 * 1024,
        ge=0,
        description="What is remembered of all watched objects, so that a modification is told with what was before; "
        "beyond it `oldResource` is left out, and `changedFields` empty.",
        json_schema_extra=unit("bytes", off="0"),
    )


class AwxSettings(Section):
    """How AWX is asked, for JobTemplateStages."""

    timeout: float = Field(
        default=30.0, gt=0, description="Longest time of a request.", json_schema_extra=unit("seconds")
    )
    parallel: int = Field(
        default=8, gt=0, description="Requests to one AWX at the same time.", json_schema_extra=unit("requests")
    )
    settle: float = Field(
        default=60.0,
        gt=0,
        description="How long a launch whose answer was lost is looked for before it is sent again: longer than AWX "
        "may take over a request.",
        json_schema_extra=unit("seconds"),
    )
    login_patience: float = Field(
        default=60.0,
        ge=0,
        description="How long a launch waits for a login that is refused; meanwhile its Secret may be exchanged.",
        json_schema_extra=unit("seconds", off="0"),
    )


class Retention(Section):
    """How long things are kept."""

    runs: float = Field(
        default=30 * 86400.0,
        ge=0,
        description="Ended runs with stages and logs.",
        json_schema_extra=unit("seconds", off="0"),
    )
    events: float = Field(
        default=7 * 86400.0,
        ge=0,
        description="Handled events on the bus, and StrategyEvents that were sent.",
        json_schema_extra=unit("seconds", off="0"),
    )
    messages: float = Field(
        default=86400.0,
        ge=0,
        description="Core Events (`kubectl events`).",
        json_schema_extra=unit("seconds", off="0"),
    )
    changes: float = Field(
        default=3600.0,
        gt=0,
        description="The store's change log: how far back a watch can resume.",
        json_schema_extra=unit("seconds"),
    )
    every: float = Field(
        default=300.0,
        ge=0,
        description="Time between two clean-ups; without them all is kept.",
        json_schema_extra=unit("seconds", off="0"),
    )


class KubernetesSettings(Section):
    """The API server that keeps the resources with `store: kubernetes`."""

    kubeconfig: Path | None = Field(
        default=None,
        description="File that says where it is and who we are; absent: $KUBECONFIG, else the pod's own account, else "
        "~/.kube/config.",
    )
    context: str = Field(default="", description="Context of the kubeconfig; empty: its current one.")
    qps: float = Field(
        default=500.0,
        ge=0,
        description="Requests to it in the long run.",
        json_schema_extra=unit("requests a second", off="0"),
    )
    burst: int = Field(
        default=1000, gt=0, description="Requests at once before `qps` counts.", json_schema_extra=unit("requests")
    )
    parallel: int = Field(
        default=64,
        gt=0,
        description="Requests under way at the same time; watches don't count.",
        json_schema_extra=unit("requests"),
    )
    timeout: float = Field(
        default=30.0, gt=0, description="Longest time of a request.", json_schema_extra=unit("seconds")
    )
    namespace: str = Field(
        default="",
        description="Where the runner keeps its events and leases; empty: the pod's own, else `kabanero`.",
    )
    namespaces: list[str] = Field(
        default=[],
        description="Namespaces that are served; empty: all, which needs rights in all of them. One that may not be "
        "read is named in the log, in an Event and by /readyz, and tried again.",
    )
    lease: float = Field(
        default=10.0,
        ge=2,
        description="How long one runner leads without renewing; another then takes over.",
        json_schema_extra=unit("seconds"),
    )
    gone_after: float = Field(
        default=90.0,
        ge=10,
        description="Silence after which a runner counts as gone, and its playbooks as interrupted; a shorter outage "
        "of the API server interrupts nothing.",
        json_schema_extra=unit("seconds"),
    )
    drain: float = Field(
        default=20.0,
        ge=0,
        description="How long a stop waits for playbooks to end, while another runner leads already; in a pod less "
        "than its grace period.",
        json_schema_extra=unit("seconds", off="0"),
    )
    remembered: int = Field(
        default=10_000,
        ge=0,
        description="Resources kept in memory, so that what a watch has told need not be asked for.",
        json_schema_extra=unit("resources", off="0"),
    )


class Settings(Section):
    """All settings."""

    instance: str = Field(default="kabanero", description="Name of this instance, first part of every topic path.")
    data_dir: Path = Field(default=Path("data"), description="Folder of databases, artifacts, token and kubeconfig.")
    project_dir: Path = Field(default=Path(), description="Folder in which paths of playbooks are looked up.")
    store: Literal["sqlite", "kubernetes"] = Field(
        default="sqlite", description="Where resources are kept: in a file of ours, or on a Kubernetes API server."
    )
    kubernetes: KubernetesSettings = Field(
        default=KubernetesSettings(), description="The API server with `store: kubernetes`."
    )
    listener: Listener = Field(default=Listener(), description="Address of the API, health and metrics.")
    webhook: WebhookSettings = Field(default=WebhookSettings(), description="How webhooks are received.")
    executor: ExecutorSettings = Field(default=ExecutorSettings(), description="How playbooks are carried out.")
    stages: StagesSettings = Field(
        default=StagesSettings(), description="Stages whose work goes on outside the runner: PipelineRuns, jobs of AWX."
    )
    kubernetes_events: KubernetesEventSettings = Field(
        default=KubernetesEventSettings(), description="Events of the topic KubernetesAPI."
    )
    awx: AwxSettings = Field(default=AwxSettings(), description="How AWX is asked, for JobTemplateStages.")
    retention: Retention = Field(default=Retention(), description="How long things are kept.")
    values: dict[str, str] = Field(
        default={}, description="Values for `${...}` in triggers, such as `docker_registry: registry.example.com/team`."
    )
    tokens: Path | None = Field(
        default=None, description="YAML file with further bearer tokens; absent: only the one in DATA_DIR/token."
    )
    metrics_open: bool = Field(default=False, description="True: /metrics needs no token.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["text", "json"] = Field(default="text", description="How log lines look.")


def read_settings(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Settings from a YAML file, with dotted overrides (`listener.listen`) on top. Raises InvalidError."""
    values = _file(path) if path else {}
    what = f"configuration {path or ''}".strip()
    for dotted, value in overrides.items():
        if value is not None and (problem := _put(values, dotted.split("."), value)):
            raise InvalidError(what, [problem])
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidError(what, [_problem(each) for each in error.errors()]) from None
    if not settings.project_dir.is_dir():
        fix = "name the folder of your playbooks: kabanero serve --project-dir DIR"
        raise InvalidError(what, [Problem("projectDir", f"there is no folder {settings.project_dir}", fix)])
    return settings


def _file(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = Problem("", f"can't be read: {error.strerror}", "check the path after --config")
        raise InvalidError(f"configuration {path}", [problem]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidError(f"configuration {path}", [Problem(str(path), f"is not YAML: {error}")]) from None
    if values is not None and not isinstance(values, dict):
        raise InvalidError(f"configuration {path}", [Problem(str(path), "must be a mapping of settings")])
    return values or {}


def _put(values: dict[str, Any], path: list[str], value: Any) -> Problem | None:
    """Sets one value; a problem when what the file says on the way to it is no section."""
    for depth, part in enumerate(path[:-1], start=1):
        section = values.get(part)
        if section is not None and not isinstance(section, dict):
            return Problem(".".join(path[:depth]), "must be a mapping of settings")
        values[part] = section or {}
        values = values[part]
    values[path[-1]] = value
    return None


def _problem(error: Any) -> Problem:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return Problem(place, error["msg"])
    meant = near_miss(str(error["loc"][-1]), _names(Settings))
    return Problem(place, "is not a setting", f"did you mean {meant}?" if meant else "see docs/reference/settings.md")


def _names(section: type[BaseModel]) -> list[str]:
    names = []
    for name, field in section.model_fields.items():
        names.append(to_camel(name))
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _names(field.annotation)
    return names
