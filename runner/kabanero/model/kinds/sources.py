"""Where events come from: GithubEventSource (a repository or organisation) and StrategyEvent (a person or program)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kabanero.model.kinds.base import Condition, Model, Text


class SecretKeyRef(Model):
    """One key of a Secret in the same namespace."""

    name: Text = Field(description="Name of the Secret.")
    key: Text = Field(default="secret", description="Key in its data.")


class GithubEventSourceSpec(Model):
    """A repository, or an organisation, whose webhooks are believed."""

    url: Text = Field(description="https://HOST/OWNER/REPOSITORY, https://HOST/OWNER or https://HOST/enterprises/ORG.")
    webhook_secret: SecretKeyRef | None = Field(default=None, description="Secret that signs its webhooks.")
    previous_webhook_secret: SecretKeyRef | None = Field(
        default=None, description="The secret before, still valid while a rotation is under way."
    )
    api_secret: str = Field(default="", description="Name of the Secret with access to the forge's API.")


class GithubEventSourceStatus(Model):
    """Whether its webhooks can be verified."""

    configured: bool = Field(default=False, description="True when the webhook secret was found.")
    message: str = Field(default="", description="What was found, or what is missing.")
    observed_generation: int | None = Field(default=None, description="Generation that was looked at.")
    conditions: tuple[Condition, ...] = Field(default=(), description="`Ready`: webhooks are accepted.")


class StrategyEventSpec(Model):
    """An event to be sent: making the resource sends it once."""

    topic: Text = Field(default="KabaneroClient", description="Topic on which it goes out.")
    context_id: str = Field(default="", alias="contextID", description="Run that it is sent into; empty: none.")
    path: str = Field(default="", description="Topic path; empty: derived from topic and namespace.")
    data: dict[str, Any] = Field(description="The event's object; triggers match its attributes.")


class StrategyEventStatus(Model):
    """Whether it was sent."""

    emitted: bool = Field(default=False, description="True when it is durable on the bus.")
    event: str = Field(default="", description="`source#id` of the event.")
    emission_time: str | None = Field(default=None, description="When it was sent.")
