"""What every Kubernetes object carries around its own fields, and the objects of the protocol itself.

Validation of metadata and the OpenAPI documents are made from it. Source: Kubernetes API reference, `meta/v1`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kabanero.model.kinds.base import Model, OpenModel, Text


class OwnerReference(Model):
    """Names an owner: when it is deleted, so is this object."""

    api_version: Text = Field(description="apiVersion of the owner.")
    kind: Text = Field(description="Kind of the owner.")
    name: Text = Field(description="Name of the owner.")
    uid: Text = Field(description="UID of the owner.")
    controller: bool | None = Field(default=None, description="Whether the owner is the managing controller.")
    block_owner_deletion: bool | None = Field(
        default=None, description="Whether the owner's foreground deletion waits for this object."
    )


class ManagedFieldsEntry(Model):
    """Which fields somebody set, as server-side apply keeps it."""

    manager: str = Field(default="", description="Who set the fields.")
    operation: str = Field(default="", description="Apply or Update.")
    api_version: str = Field(default="", description="apiVersion of the fields.")
    time: str | None = Field(default=None, description="When they were set (RFC 3339).")
    fields_type: str = Field(default="", description="Format of fieldsV1.")
    fields_v1: dict[str, Any] | None = Field(default=None, alias="fieldsV1", description="The fields.")
    subresource: str = Field(default="", description="Subresource by which they were set.")


class ObjectMeta(Model):
    """Name, namespace, labels and everything that the server keeps about an object."""

    name: str | None = Field(default=None, description="Unique in its namespace; lower-case letters, digits, - and .")
    generate_name: str | None = Field(default=None, description="Prefix of a name that the server makes unique.")
    namespace: str | None = Field(default=None, description="Namespace that it lives in.")
    labels: dict[str, str] | None = Field(default=None, description="Short keys and values to select objects by.")
    annotations: dict[str, str] | None = Field(default=None, description="Keys and values that nothing selects by.")
    finalizers: tuple[str, ...] | None = Field(
        default=None,
        description="What must be done before it is removed.",
        json_schema_extra={"x-kubernetes-patch-strategy": "merge"},
    )
    owner_references: tuple[OwnerReference, ...] | None = Field(
        default=None,
        description="Objects that own it; it is removed when all of them are gone.",
        json_schema_extra={"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "uid"},
    )
    uid: str | None = Field(default=None, description="Identity in time and space. Set by the server.")
    resource_version: str | None = Field(default=None, description="Changes with every write. Set by the server.")
    generation: int | None = Field(default=None, description="Counts changes of the spec. Set by the server.")
    creation_timestamp: str | None = Field(default=None, description="When it was made. Set by the server.")
    deletion_timestamp: str | None = Field(default=None, description="When its deletion was asked. Set by the server.")
    deletion_grace_period_seconds: int | None = Field(default=None, description="Seconds until it is removed.")
    managed_fields: tuple[ManagedFieldsEntry, ...] | None = Field(default=None, description="Who set which fields.")
    self_link: str | None = Field(default=None, description="No longer used.")


class ListMeta(Model):
    """What a list carries beside its items."""

    resource_version: str | None = Field(default=None, description="Version of the list; a watch goes on from here.")
    continue_: str | None = Field(default=None, alias="continue", description="Token of the next page.")
    remaining_item_count: int | None = Field(default=None, description="Items on later pages.")
    self_link: str | None = Field(default=None, description="No longer used.")


class StatusCause(Model):
    """One reason among several."""

    reason: str = Field(default="", description="One CamelCase word.")
    message: str = Field(default="", description="A sentence for a person.")
    field: str = Field(default="", description="Field that it is about.")


class StatusDetails(Model):
    """What an answer is about."""

    name: str = Field(default="", description="Name of the object.")
    group: str = Field(default="", description="Group of its kind.")
    kind: str = Field(default="", description="Its kind.")
    uid: str = Field(default="", description="Its UID.")
    causes: tuple[StatusCause, ...] = Field(default=(), description="Every reason.")
    retry_after_seconds: int | None = Field(default=None, description="When to try again.")


class Status(Model):
    """The server's answer when it is not an object."""

    api_version: str = Field(default="v1", description="v1")
    kind: str = Field(default="Status", description="Status")
    metadata: ListMeta = Field(default_factory=ListMeta, description="List metadata.")
    status: str = Field(default="", description="Success or Failure.")
    message: str = Field(default="", description="A sentence for a person.")
    reason: str = Field(default="", description="One CamelCase word.")
    code: int | None = Field(default=None, description="HTTP status code.")
    details: StatusDetails | None = Field(default=None, description="What it is about.")


class Preconditions(Model):
    """What must be true for the deletion to be done."""

    uid: str | None = Field(default=None, description="UID that the object must have.")
    resource_version: str | None = Field(default=None, description="resourceVersion that the object must have.")


class DeleteOptions(Model):
    """How an object is deleted."""

    api_version: str = Field(default="v1", description="v1")
    kind: str = Field(default="DeleteOptions", description="DeleteOptions")
    dry_run: tuple[str, ...] | None = Field(default=None, description="`All`: nothing is deleted.")
    grace_period_seconds: int | None = Field(default=None, description="Seconds until it is removed.")
    preconditions: Preconditions | None = Field(default=None, description="What must be true.")
    propagation_policy: str | None = Field(default=None, description="Background, Foreground or Orphan.")
    orphan_dependents: bool | None = Field(default=None, description="No longer used; see propagationPolicy.")


class Patch(OpenModel):
    """A change to an object: a merge patch, or a list of JSON patch operations."""
