"""What an order names, looked up at AWX: the template, whether it prompts for all that is given, and ids for names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kabanero.executors.awx.answers import RefusedError
from kabanero.executors.awx.connection import Connection, Tell
from kabanero.executors.awx.settings import AwxSettings
from kabanero.model.errors import JobRefusedError
from kabanero.ports import JobOrder

PLURALS = {"job_template": "job_templates", "workflow_job_template": "workflow_job_templates"}
ASKS = {
    "extra_vars": "ask_variables_on_launch",
    "inventory": "ask_inventory_on_launch",
    "limit": "ask_limit_on_launch",
    "credentials": "ask_credential_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "verbosity": "ask_verbosity_on_launch",
    "scm_branch": "ask_scm_branch_on_launch",
    "job_type": "ask_job_type_on_launch",
    "diff_mode": "ask_diff_mode_on_launch",
    "forks": "ask_forks_on_launch",
    "job_slice_count": "ask_job_slice_count_on_launch",
    "execution_environment": "ask_execution_environment_on_launch",
    "timeout": "ask_timeout_on_launch",
}
"""Field of a launch, and the template's switch `Prompt on launch` for it."""
NAMED = {"inventory": "inventories", "execution_environment": "execution_environments", "credentials": "credentials"}


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and the body of its launch."""

    type: str
    id: int
    body: Mapping[str, Any]


class Templates:
    """Of one AWX."""

    def __init__(self, connection: Connection, settings: AwxSettings) -> None:
        self._connection, self._patience = connection, settings.login_patience

    async def template(self, order: JobOrder, tell: Tell) -> Template:
        """Raises JobRefusedError that names what is not there or not allowed, and what to do about it."""
        type = "workflow_job_template" if order.workflow else "job_template"
        more = {"organization__name": order.organization} if order.organization else {}
        id = await self._id(PLURALS[type], order.template, "TemplateUnknown", tell, more)
        asks = await self._get(f"{PLURALS[type]}/{id}/launch/", "TemplateUnknown", tell)
        self._allowed(order, type, asks)
        return Template(type, id, await self._body(order, asks, tell))

    def _allowed(self, order: JobOrder, type: str, asks: Mapping[str, Any]) -> None:
        what = f"{type.replace('_', ' ')} {order.template}"
        for name in ("extra_vars", *order.prompts):
            if asks.get(ASKS[name]):
                continue
            given = "its variables" if name == "extra_vars" else name
            message = f"{what} does not prompt for {given}; switch {ASKS[name]} on in AWX"
            raise JobRefusedError("PromptMissing", message + ("" if name == "extra_vars" else ", or leave it out"))

    async def _body(self, order: JobOrder, asks: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
        body: dict[str, Any] = {"extra_vars": dict(order.extra_vars)}
        for name, value in order.prompts.items():
            if name not in NAMED:
                body[name] = value
            elif isinstance(value, str):
                body[name] = await self._id(NAMED[name], value, "PromptUnknown", tell)
            else:
                body[name] = [await self._id(NAMED[name], each, "PromptUnknown", tell) for each in value]
        if order.timeout and asks.get(ASKS["timeout"]):
            body["timeout"] = max(1, int(order.timeout))
        return body

    async def _id(self, plural: str, name: str, reason: str, tell: Tell, more: Mapping[str, str] | None = None) -> int:
        if name.isdigit():
            return int(name)
        page = await self._get(f"{plural}/", reason, tell, {"name": name, **(more or {})})
        if page["count"] == 1:
            return int(page["results"][0]["id"])
        what = plural.replace("_", " ")
        if page["count"]:
            ids = ", ".join(str(each["id"]) for each in page["results"])
            raise JobRefusedError(
                reason, f"{page['count']} {what} are called {name}; write one of the ids {ids} instead"
            )
        who = self._connection.place.secret
        message = f"{self._connection.place.url} shows no {what[:-1]} {name} to the user of Secret {who}"
        raise JobRefusedError(reason, f"{message}; mend the name, or give the user a role on it")

    async def _get(self, path: str, reason: str, tell: Tell, query: Mapping[str, Any] | None = None) -> Any:
        try:
            return await self._connection.get(path, tell, query, login_patience=self._patience)
        except RefusedError as error:
            raise JobRefusedError(reason, f"{path} can't be read: {error}") from None
