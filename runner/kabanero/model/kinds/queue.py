"""QueuedEvent: an event that waits on a Kubernetes API server. Written by the bus there, never by people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kabanero.model.kinds.base import Model


class QueuedEventSpec(Model):
    """A CloudEvent as the bus keeps it, or a part of the payload of a large one."""

    id: str = Field(default="", description="Identity of the event, with `source`.")
    source: str = Field(default="", description="Identity of the event, with `id`.")
    type: str = Field(default="", description="Its CloudEvents type.")
    topic: str = Field(default="", description="Topic on which it was published.")
    path: str = Field(default="", description="Its topic path.")
    context: str = Field(default="", description="Run that it belongs to; empty: none.")
    time: str = Field(default="", description="When it happened.")
    causes: tuple[str, ...] = Field(default=(), description="`source#id` of the events that led to it.")
    not_before: str = Field(default="", description="When it is delivered at the earliest; empty: at once.")
    size: int = Field(default=0, description="Length of its data in bytes.")
    payload: str = Field(default="", description="Its data: gzip, then base64. Empty where it lies in parts.")
    parts: tuple[str, ...] = Field(default=(), description="QueuedEvents that hold the payload of a large event.")
    part_of: str = Field(default="", description="In a part: the QueuedEvent that it belongs to.")


class QueuedHandling(Model):
    """What one consumer did with the event."""

    fate: Literal["Pending", "Handled", "Dead"] = Field(description="What became of it.")
    attempts: int = Field(default=0, description="How often it was delivered.")
    note: str = Field(default="", description="What the consumer says of it.")
    due: str = Field(default="", description="When it is delivered again.")


class QueuedEventStatus(Model):
    """Its place in the bus, and what its consumers did with it."""

    sequence: int | None = Field(default=None, description="Its place; until it is written, the resourceVersion.")
    fate: Literal["Handled", "Dead"] | None = Field(default=None, description="Set when no consumer waits for it.")
    dead: bool | None = Field(default=None, description="True: a consumer gave it up.")
    handlings: dict[str, QueuedHandling] = Field(default={}, description="By consumer.")
