"""The few kinds of Kubernetes' core group that the embedded API server offers beside our own.

Their fields stand at the top of the object and not in `spec`. Source: Kubernetes API reference, `core/v1`.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from kabanero.model.kinds.base import Condition, Model
from kabanero.model.resource import ResourceType


class NamespaceSpec(Model):
    """How a namespace behaves."""

    finalizers: tuple[str, ...] | None = Field(default=None, description="What must be done before it is removed.")


class NamespaceStatus(Model):
    """Where a namespace stands."""

    phase: str | None = Field(default=None, description="Active or Terminating.")
    conditions: tuple[Condition, ...] | None = Field(default=None, description="What its removal waits for.")


class NamespaceBody(Model):
    """A namespace."""

    spec: NamespaceSpec | None = Field(default=None, description="How it behaves.")
    status: NamespaceStatus | None = Field(default=None, description="Where it stands.")


class SecretBody(Model):
    """Secret values."""

    type: str | None = Field(default=None, description="Free word, `Opaque` when absent.")
    data: dict[str, str | None] | None = Field(default=None, description="Values, each in base64.")
    string_data: dict[str, str | None] | None = Field(
        default=None, description="Values as they are; written into data, never read back."
    )
    immutable: bool | None = Field(default=None, description="True: its values can't be changed any more.")


class ConfigMapBody(Model):
    """Plain values."""

    data: dict[str, str | None] | None = Field(default=None, description="Values.")
    binary_data: dict[str, str | None] | None = Field(default=None, description="Values, each in base64.")
    immutable: bool | None = Field(default=None, description="True: its values can't be changed any more.")


class ObjectReference(Model):
    """Names an object."""

    api_version: str | None = Field(default=None, description="apiVersion of the object.")
    kind: str | None = Field(default=None, description="Its kind.")
    namespace: str | None = Field(default=None, description="Its namespace.")
    name: str | None = Field(default=None, description="Its name.")
    uid: str | None = Field(default=None, description="Its UID.")
    resource_version: str | None = Field(default=None, description="The version that is meant.")
    field_path: str | None = Field(default=None, description="The field that is meant.")


class EventSource(Model):
    """Who reports an event."""

    component: str | None = Field(default=None, description="Name of the component.")
    host: str | None = Field(default=None, description="Machine that it runs on.")


class EventSeries(Model):
    """How often an event was seen again."""

    count: int | None = Field(default=None, description="How often.")
    last_observed_time: str | None = Field(default=None, description="When last.")


class EventBody(Model):
    """Something that happened to an object, for people."""

    involved_object: ObjectReference = Field(description="Object that it is about.")
    related: ObjectReference | None = Field(default=None, description="Second object.")
    type: str | None = Field(default=None, description="Normal or Warning.")
    reason: str | None = Field(default=None, description="One CamelCase word.")
    message: str | None = Field(default=None, description="A sentence for a person.")
    action: str | None = Field(default=None, description="What was done.")
    source: EventSource | None = Field(default=None, description="Who reports it.")
    reporting_component: str | None = Field(default=None, description="Name of the controller.")
    reporting_instance: str | None = Field(default=None, description="Which of its replicas.")
    count: int | None = Field(default=None, description="How often it was seen.")
    event_time: str | None = Field(default=None, description="When it was seen first (RFC 3339, microseconds).")
    first_timestamp: str | None = Field(default=None, description="When it was seen first (RFC 3339).")
    last_timestamp: str | None = Field(default=None, description="When it was seen last (RFC 3339).")
    series: EventSeries | None = Field(default=None, description="How often it was seen again.")


ModelClass = type[Model]


@dataclass(frozen=True, slots=True)
class CoreKind:
    """One kind of the core group: its names and its fields beside apiVersion, kind and metadata."""

    type: ResourceType
    description: str
    body: ModelClass


NAMESPACE = ResourceType("", "v1", "Namespace", "namespaces", "namespace", namespaced=False, short_names=("ns",))
SECRET = ResourceType("", "v1", "Secret", "secrets", "secret", has_status=False)
CONFIG_MAP = ResourceType("", "v1", "ConfigMap", "configmaps", "configmap", short_names=("cm",), has_status=False)
EVENT = ResourceType(
    "",
    "v1",
    "Event",
    "events",
    "event",
    short_names=("ev",),
    selectable=(
        "involvedObject.name",
        "involvedObject.namespace",
        "involvedObject.uid",
        "involvedObject.kind",
        "involvedObject.apiVersion",
        "reason",
        "type",
    ),
    has_status=False,
)
CORE_TYPES: tuple[ResourceType, ...] = (NAMESPACE, SECRET, CONFIG_MAP, EVENT)
CORE_KINDS: tuple[CoreKind, ...] = (
    CoreKind(NAMESPACE, "A room for resources that belong together.", NamespaceBody),
    CoreKind(SECRET, "Values that must not be seen.", SecretBody),
    CoreKind(CONFIG_MAP, "Plain values.", ConfigMapBody),
    CoreKind(EVENT, "Something that happened to an object, for people.", EventBody),
)
CORE_BY_KIND = {kind.type.kind: kind for kind in CORE_KINDS}
