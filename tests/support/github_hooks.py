"""The hooks of one repository or organization at our GitHub: what they hold, and how a ping leaves them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

EVENTS = {"push", "pull_request", "create", "delete", "release", "issues", "status", "workflow_run", "*"}
MASK = "********"
_ids = itertools.count(1001)


class RefusedError(Exception):
    """GitHub's answer to what it does not take."""

    def __init__(self, status: int, message: str, *errors: dict[str, Any]) -> None:
        super().__init__(message)
        told: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        self.status, self.body = status, told | ({"errors": list(errors)} if errors else {})


@dataclass
class Hook:
    """One hook with its secret, which no answer shows."""

    place: str
    config: dict[str, Any]
    events: list[str]
    active: bool = True
    id: int = field(default_factory=lambda: next(_ids))
    deliveries: list[dict[str, Any]] = field(default_factory=list)

    def told(self, base: str) -> dict[str, Any]:
        """As the API tells it."""
        shown = self.config | ({"secret": MASK} if self.config.get("secret") else {})
        url = f"{base}{self.place}/hooks/{self.id}"
        common = {"id": self.id, "name": "web", "active": self.active, "events": self.events, "config": shown}
        common |= {"created_at": "2026-11-23T08:45:00Z", "updated_at": "2026-11-23T08:45:00Z"}
        common |= {"url": url, "ping_url": f"{url}/pings", "deliveries_url": f"{url}/deliveries"}
        if self.place.startswith("/orgs/"):
            return common | {"type": "Organization"}
        last = {"code": None, "status": "unused", "message": None}
        return common | {"type": "Repository", "test_url": f"{url}/tests", "last_response": last}

    def ping(self, base: str, hosts: dict[str, str]) -> None:
        """Sends a signed ping by and by, and keeps how it was answered."""
        threading.Thread(target=self._ping, args=(base, hosts), daemon=True).start()

    def _ping(self, base: str, hosts: dict[str, str]) -> None:
        guid, began = str(uuid.uuid4()), time.monotonic()
        url = self.config["url"]
        for host, there in hosts.items():
            url = url.replace(host, there)
        code, status = _send(url, self.config.get("secret"), guid, _ping_body(self, base))
        told = {"id": next(_ids), "guid": guid, "delivered_at": "2026-11-23T08:45:00Z", "redelivery": False}
        told |= {"duration": round(time.monotonic() - began, 2), "status": status, "status_code": code}
        self.deliveries.insert(0, told | {"event": "ping", "action": None, "installation_id": None, "repository_id": 1})


def _ping_body(hook: Hook, base: str) -> bytes:
    owner, _, name = hook.place.split("/", 2)[2].partition("/")
    body: dict[str, Any] = {"zen": "Keep it logically awesome.", "hook_id": hook.id, "hook": hook.told(base)}
    body["sender"] = {"login": owner, "html_url": f"https://github.com/{owner}"}
    if name:
        url = f"https://github.com/{owner}/{name}"
        body["repository"] = {"name": name, "full_name": f"{owner}/{name}", "html_url": url, "owner": {"login": owner}}
    else:
        body["organization"] = {"login": owner}
    return json.dumps(body).encode()


def _send(url: str, secret: str | None, guid: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(url, body, method="POST")
    request.add_header("Content-Type", "application/json")
    request.add_header("User-Agent", "GitHub-Hookshot/044aadd")
    request.add_header("X-GitHub-Event", "ping")
    request.add_header("X-GitHub-Delivery", guid)
    if secret:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request.add_header("X-Hub-Signature-256", f"sha256={digest}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, "OK"
    except urllib.error.HTTPError as error:
        return error.code, "Invalid HTTP Response: " + str(error.code)
    except OSError:
        return 0, "failed to connect to host"


class Hooks:
    """All hooks of one place."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.all: dict[int, Hook] = {}

    def find(self, id: str) -> Hook:
        if int(id) not in self.all:
            raise RefusedError(404, "Not Found")
        return self.all[int(id)]

    def create(self, asked: dict[str, Any]) -> Hook:
        """Refuses unknown events, and a second hook for the same events with the same configuration."""
        made = Hook(self.place, _config(asked), _events(asked.get("events", ["push"])), asked.get("active", True))
        self._alone(made)
        self.all[made.id] = made
        return made

    def change(self, hook: Hook, asked: dict[str, Any]) -> None:
        """What `config` leaves out is gone, the secret as well."""
        changed = Hook(self.place, hook.config, hook.events, asked.get("active", hook.active), hook.id)
        if "config" in asked:
            changed.config = _config(asked)
        if "events" in asked:
            changed.events = _events(asked["events"])
        self._alone(changed)
        hook.config, hook.events, hook.active = changed.config, changed.events, changed.active

    def _alone(self, hook: Hook) -> None:
        for other in self.all.values():
            if other.id != hook.id and other.config["url"] == hook.config["url"] and {*other.events} & {*hook.events}:
                what = "repository" if self.place.startswith("/repos/") else "organization"
                text = f"Hook already exists on this {what}"
                raise RefusedError(422, "Validation Failed", {"resource": "Hook", "code": "custom", "message": text})


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    config = asked.get("config") or {}
    if not config.get("url"):
        error = {"resource": "Hook", "code": "custom", "field": "url", "message": "url cannot be blank"}
        raise RefusedError(422, "Validation Failed", error)
    return {"content_type": "form", "insecure_ssl": "0"} | config


def _events(events: list[str]) -> list[str]:
    if odd := [event for event in events if event not in EVENTS]:
        text = f"The following events are not supported: {', '.join(odd)}"
        error = {"resource": "Hook", "code": "custom", "field": "events", "message": text}
        raise RefusedError(422, "Validation Failed", error)
    return sorted(events)
