"""From HTTP to the parts: paths, who may, faults, and answers in AWX's shapes."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.awx import webhooks
from tests.support.awx.answers import RefusalError, not_allowed, not_found, unparsable
from tests.support.awx.kinds import BY_PLURAL, UNIFIED
from tests.support.awx.launching import Launching, launch_options
from tests.support.awx.oauth import FORM, refused
from tests.support.awx.tables import API, Row

if TYPE_CHECKING:
    from tests.support.awx.fake import FakeAwx

VERSION = "24.6.1"
OPEN = ("/api/", "/api/v2/", "/api/v2/ping/", "/api/login/")
SELF_CHECKED = re.compile("^/api/o/|/(github|gitlab)/$")
"""Paths that look for themselves who asks."""
USER = web.RequestKey("user", object)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes:
    """One application for each start of the server."""

    def __init__(self, awx: FakeAwx) -> None:
        self._awx = awx
        self._launching = Launching(awx.tables)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._around], client_max_size=4 * 1024 * 1024)
        route = app.router.add_route
        route("*", "/api/", self._root)
        route("*", f"{API}/", self._version)
        for name in ("ping", "config", "me"):
            route("GET", f"{API}/{name}/", getattr(self, f"_{name}"))
        for name in ("token", "revoke_token"):
            route("POST", f"/api/o/{name}/", getattr(self, f"_oauth_{name}"))
        route("*", f"{API}/{{plural}}/", self._list)
        route("*", f"{API}/{{plural}}/{{id:\\d+}}/", self._detail)
        route("*", f"{API}/{{plural}}/{{id:\\d+}}/{{name}}/", self._below)
        return app

    # --- around every request ---

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._awx.requests.append(f"{request.method} {request.rel_url}")
        fault = next((each for each in self._awx.faults if each.hits(request.method, str(request.rel_url))), None)
        answer = None
        if fault is None or fault.after_work:
            answer = await self._answered(request, handler)
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault and fault.status == 0:
            assert request.transport
            request.transport.abort()
            raise ConnectionResetError
        if fault:
            return web.Response(status=fault.status, headers=fault.headers, text="the fault that was asked for")
        assert answer
        answer.headers["X-API-Product-Name"], answer.headers["X-API-Product-Version"] = "AWX", VERSION
        return answer

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path not in OPEN and not SELF_CHECKED.search(request.path):
                request[USER] = self._awx.people.who(request.headers.get("Authorization", ""))
                self._awx.people.may(request[USER], request.method)
            return await handler(request)
        except RefusalError as refusal:
            return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)
        except web.HTTPNotFound:
            return web.json_response({"detail": "The requested resource could not be found."}, status=404)
        except web.HTTPMethodNotAllowed:
            return web.json_response(not_allowed(request.method).body, status=405)

    # --- fixed pages ---

    async def _root(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "description": "AWX REST API",
                "current_version": f"{API}/",
                "available_versions": {"v2": f"{API}/"},
                "oauth2": "/api/o/",
                "login_redirect_override": "",
            }
        )

    async def _version(self, request: web.Request) -> web.Response:
        names = (*BY_PLURAL, *UNIFIED)
        shown = {("inventory" if name == "inventories" else name): f"{API}/{name}/" for name in names}
        return web.json_response({"ping": f"{API}/ping/", "config": f"{API}/config/", "me": f"{API}/me/", **shown})

    async def _ping(self, request: web.Request) -> web.Response:
        return web.json_response({"ha": False, "version": VERSION, "active_node": "fake", "instances": []})

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION, "license_info": {"license_type": "open"}, "time_zone": "UTC"})

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response(self._awx.resources.listed("users", f"{API}/me/", [], only={request[USER]["id"]}))

    # --- lists and details ---

    async def _list(self, request: web.Request) -> web.Response:
        plural = request.match_info["plural"]
        if plural not in BY_PLURAL and plural not in UNIFIED:
            raise not_found()
        if request.method == "OPTIONS":
            return web.json_response(self._awx.resources.options(plural), headers={"Allow": "GET, POST, HEAD, OPTIONS"})
        if request.method == "GET":
            return web.json_response(self._awx.resources.listed(plural, request.path, list(request.query.items())))
        if request.method != "POST":
            raise not_allowed(request.method)
        body = await _body(request)
        if plural == "tokens":
            return self._token(request[USER], body)
        made = self._awx.resources.make(plural, body)
        return web.json_response(self._told_once(plural, made, "client_secret"), status=201)

    def _token(self, user: Row, body: Row) -> web.Response:
        given = body.get("scope") or "write", body.get("description") or "", body.get("application")
        made = self._awx.people.issue(user, *given)
        return web.json_response(self._told_once("tokens", made, "token", "refresh_token"), status=201)

    def _told_once(self, plural: str, row: Row, *secret: str) -> Row:
        """As it is shown, with what is told only to who made it."""
        told = {name: row[name] for name in secret if name in row}
        return {**self._awx.tables.shown(BY_PLURAL[plural], row), **told}

    # --- applications ---

    async def _oauth_token(self, request: web.Request) -> web.Response:
        return web.json_response(self._awx.oauth.token(*await self._form(request)))

    async def _oauth_revoke_token(self, request: web.Request) -> web.Response:
        self._awx.oauth.revoke(*await self._form(request))
        return web.Response()

    async def _form(self, request: web.Request) -> tuple[str, dict[str, str]]:
        if request.content_type != FORM:
            raise refused(400, "unsupported_grant_type")
        fields = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        return request.headers.get("Authorization", ""), fields

    async def _detail(self, request: web.Request) -> web.Response:
        plural, id = request.match_info["plural"], int(request.match_info["id"])
        if plural not in BY_PLURAL and plural not in UNIFIED:
            raise not_found()
        if request.method == "OPTIONS":
            allow = {"Allow": "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"}
            return web.json_response(self._awx.resources.options(plural), headers=allow)
        kind, row = self._awx.tables.find(plural, id)
        if request.method == "GET":
            return web.json_response(self._awx.tables.shown(kind, row))
        if request.method in ("PUT", "PATCH"):
            return web.json_response(self._awx.resources.change(plural, id, await _body(request)))
        if request.method != "DELETE":
            raise not_allowed(request.method)
        self._awx.resources.remove(plural, id)
        return web.Response(status=204)

    # --- below one ---

    async def _below(self, request: web.Request) -> web.Response:
        plural, id, name = request.match_info["plural"], int(request.match_info["id"]), request.match_info["name"]
        if plural not in BY_PLURAL:
            raise not_found()
        special = getattr(self, f"_below_{name}", None)
        if special:
            answer: web.Response = await special(request, plural, id)
            return answer
        if request.method == "GET":
            query = list(request.query.items())
            return web.json_response(self._awx.resources.below(plural, id, name, request.path, query))
        if request.method != "POST":
            raise not_allowed(request.method)
        made = self._awx.resources.attach(plural, id, name, await _body(request))
        return web.json_response(made, status=201) if made else web.Response(status=204)

    async def _below_launch(self, request: web.Request, plural: str, id: int) -> web.Response:
        if request.method == "OPTIONS":
            return web.json_response({"actions": {"POST": launch_options(BY_PLURAL[plural])}})
        kind, row = self._awx.tables.find(plural, id)
        if request.method == "GET":
            return web.json_response(self._launching.asks(kind, row))
        taken, ignored = self._launching.taken(kind, row, await _body(request))
        made_kind, job = self._awx.jobs.launch(kind, row, taken)
        shown = self._awx.tables.shown(made_kind, job)
        return web.json_response({made_kind.type: job["id"], "ignored_fields": ignored, **shown}, status=201)

    async def _below_survey_spec(self, request: web.Request, plural: str, id: int) -> web.Response:
        _, row = self._awx.tables.find(plural, id)
        if request.method == "GET":
            return web.json_response(row.get("survey_spec") or {})
        if request.method == "DELETE":
            row.pop("survey_spec", None)
            return web.json_response({})
        row["survey_spec"] = _survey(await _body(request))
        return web.Response(status=200)

    async def _below_webhook_key(self, request: web.Request, plural: str, id: int) -> web.Response:
        _, row = self._awx.tables.find(plural, id)
        if request.method == "POST" or (row["webhook_service"] and not row.get("webhook_key")):
            row["webhook_key"] = secrets.token_urlsafe(36)
        return web.json_response(
            {"webhook_key": row.get("webhook_key", "")}, status=201 if request.method == "POST" else 200
        )

    async def _below_github(self, request: web.Request, plural: str, id: int) -> web.Response:
        kind, row = self._awx.tables.find(plural, id)
        body = await request.read()
        webhooks.check(row, request.headers, body)
        guid = request.headers.get("X-GitHub-Delivery", "")
        if any(each["webhook_guid"] == guid for _, each in self._awx.tables.all("unified_jobs")):
            return web.json_response({"message": "Webhook previously received, aborting."}, status=202)
        told = webhooks.variables(request.headers, json.loads(body))
        fields = {"launch_type": "webhook", "webhook_service": "github", "webhook_guid": guid}
        self._awx.jobs.launch(kind, row, {"extra_vars": told}, **fields)
        return web.json_response({"message": "Job queued."}, status=202)

    async def _below_cancel(self, request: web.Request, plural: str, id: int) -> web.Response:
        kind, row = self._awx.tables.find(plural, id)
        if request.method == "GET":
            return web.json_response({"can_cancel": row["finished"] is None})
        self._awx.jobs.cancel(kind, row)
        return web.Response(status=202)

    async def _below_stdout(self, request: web.Request, plural: str, id: int) -> web.Response:
        self._awx.tables.find(plural, id)
        text = self._awx.jobs.stdout(id)
        if not request.query.get("format", "").startswith("json"):
            return web.Response(text=text)
        lines = text.count("\n") + 1
        return web.json_response({"range": {"start": 0, "end": lines, "absolute_end": lines}, "content": text})

    async def _below_update(self, request: web.Request, plural: str, id: int) -> web.Response:
        _, project = self._awx.tables.find("projects", id)
        made = self._awx.tables.add("project_updates", name=project["name"], project=id, unified_job_template=id)
        made.update(status="successful", finished=made["created"], started=made["created"])
        shown = self._awx.tables.shown(BY_PLURAL["project_updates"], made)
        return web.json_response({"project_update": made["id"], **shown}, status=202)


def _survey(spec: Any) -> Row:
    for name in ("name", "description", "spec"):
        if name not in spec:
            raise RefusalError(400, {"error": f"'{name}' missing from survey spec."})
    for number, question in enumerate(spec["spec"]):
        for name in ("type", "question_name", "variable", "required"):
            if name not in question:
                raise RefusalError(400, {"error": f"'{name}' missing from survey question {number}."})
        question.setdefault("default", "")
    return dict(spec)


async def _body(request: web.Request) -> Any:
    text = await request.text()
    try:
        return json.loads(text) if text else {}
    except ValueError as error:
        raise unparsable(f"JSON parse error - {error}") from None
