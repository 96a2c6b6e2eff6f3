# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The webhooks of a repository or organization: what is there, what is wanted, how the one becomes the other.

Used by the module webhook. A hook is identified by its URL. No forge tells a hook's secret back, so what tells whether
it is still the wanted one is a mark in the URL's query (see `secret_id`).
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.forge import ForgeError

MARK = "secret-id"
ROUNDS = 100_000
# What triggers are asked about most; for near misses only, the forge has the last word.
KNOWN_EVENTS = (
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "fork",
    "issue_comment",
    "issues",
    "member",
    "merge_group",
    "package",
    "ping",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_dispatch",
    "star",
    "status",
    "workflow_dispatch",
    "workflow_job",
    "workflow_run",
)


@dataclass(frozen=True)
class Hook:
    """A webhook in one form for all forges; `mark` is the secret's, empty where the URL has none."""

    url: str
    events: frozenset
    active: bool = True
    content_type: str = "json"
    insecure_ssl: bool = False
    mark: str = ""
    id: int = 0

    @property
    def address(self):
        """The URL with the mark in its query: what the forge is told."""
        if not self.mark:
            return self.url
        return self.url + ("&" if "?" in self.url else "?") + urlencode({MARK: self.mark})

    def as_dict(self):
        """What the module returns and what a diff shows."""
        return {
            "url": self.url,
            "events": sorted(self.events),
            "active": self.active,
            "content_type": self.content_type,
            "insecure_ssl": self.insecure_ssl,
            "secret_id": self.mark,
        }


def secret_id(secret, url):
    """A mark by which a secret is known again.

    It is slow to compute and only 32 bits of it are shown, so that it is of no use to find a secret by: of every four
    thousand million secrets, one has it. The URL is its salt.
    """
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), f"{MARK} {url}".encode(), ROUNDS)[:4].hex()


def read(told, wanted):
    """The Hook that a forge's answer tells of. Gitea tells one wanted event as the several that it stands for."""
    config = told.get("config") or {}
    url, mark = split_mark(config.get("url") or "")
    return Hook(
        url=url,
        events=frozenset(gathered(told.get("events") or (), wanted)),
        active=bool(told.get("active")),
        content_type=config.get("content_type") or "form",
        insecure_ssl=str(config.get("insecure_ssl", "0")) == "1",
        mark=mark,
        id=told["id"],
    )


def split_mark(url):
    """The URL without the mark, which is always its end, and the mark."""
    found = re.search(rf"[?&]{MARK}=([^&#]*)$", url)
    return (url[: found.start()], found[1]) if found else (url, "")


def gathered(events, wanted):
    """The events, with those of a family that is wanted as a whole told as that family."""
    families = {event: "pull_request" if event.startswith("pull_request") else "issues" for event in events}
    whole = {name for name in ("pull_request", "issues") if name in wanted}
    return [
        families[event] if event.startswith(("pull_request", "issue")) and families[event] in whole else event
        for event in events
    ]


class GithubHooks:
    """The hooks at one place, `/repos/OWNER/NAME` or `/orgs/NAME`, in GitHub's words."""

    def __init__(self, forge, place):
        self.forge, self.place = forge, place

    def find(self, url, wanted=()):
        """Those that send to this URL, the oldest first. Raises ForgeError, also where there is no such place."""
        try:
            told = self.forge.every(f"{self.place}/hooks")
        except ForgeError as error:
            raise missing_place(self.forge, self.place, error) if error.status == 404 else error
        hooks = [self.read(each, wanted) for each in told]
        return sorted((hook for hook in hooks if hook.url == url), key=lambda hook: hook.id)

    def read(self, told, wanted):
        return read(told, ())

    def create(self, hook, secret):
        """The new hook as the forge tells it."""
        return self._written("POST", f"{self.place}/hooks", {"name": "web", **self.body(hook, secret)}, hook)

    def change(self, there, hook, secret):
        """Makes the hook that is there the wanted one, in one request: what it holds is replaced as a whole."""
        return self._written("PATCH", self.path(there), self.body(hook, secret), hook)

    def remove(self, hook):
        """Deletes it; it may be gone already."""
        try:
            self.forge.ask("DELETE", self.path(hook))
        except ForgeError as error:
            if error.status != 404:
                raise

    def body(self, hook, secret):
        config = {
            "url": hook.address,
            "content_type": hook.content_type,
            "secret": secret,
            "insecure_ssl": str(int(hook.insecure_ssl)),
        }
        return {"config": config, "events": sorted(hook.events), "active": hook.active}

    def path(self, hook):
        return f"{self.place}/hooks/{hook.id}"

    def _written(self, method, path, body, hook):
        try:
            after = self.read(self.forge.ask(method, path, body)[1], hook.events)
        except ForgeError as error:
            if error.status == 422 and any("event" in text.lower() for text in error.errors):
                raise unknown_events(hook.events, str(error))
            raise
        if lost := hook.events - after.events:
            raise unknown_events(lost, "the forge has dropped them from the hook")
        return after


class GiteaHooks(GithubHooks):
    """The same at Gitea and Forgejo, whose API has no way to change a secret: the hook is made anew for it."""

    def read(self, told, wanted):
        return read(told, wanted)

    def create(self, hook, secret):
        body = {"type": "gitea", **self.body(hook, secret)}
        return self._written("POST", f"{self.place}/hooks", body, hook)

    def change(self, there, hook, secret):
        if there.mark == hook.mark:
            return self._written("PATCH", self.path(there), self.body(hook, secret), hook)
        after = self.create(hook, secret)
        self.remove(there)
        return after


@dataclass(frozen=True)
class Wish:
    """What is asked for. `secret` signs the hook's deliveries; `always` writes it even when it seems to be there."""

    hook: Hook
    secret: str
    always: bool = False


def keep(hooks, wish, check_mode=False):
    """Makes exactly one hook that is as wished. Returns what was there, what is there now, what was spare."""
    found = hooks.find(wish.hook.url, wish.hook.events)
    there = next((each for each in found if same(each, wish.hook)), found[0] if found else None)
    spare = [each for each in found if each is not there]
    if check_mode:
        return there, replace(wish.hook, id=there.id if there else 0), spare
    after = there
    if there is None:
        after = hooks.create(wish.hook, wish.secret)
    elif wish.always or not same(there, wish.hook):
        after = hooks.change(there, wish.hook, wish.secret)
    for each in spare:
        hooks.remove(each)
    return there, after, spare


def same(one, other):
    """Whether two hooks are equal but for their ids."""
    return replace(one, id=0) == replace(other, id=0)


def missing_place(forge, place, error):
    """The error for a place that the forge does not show us, with the name that was likely meant."""
    owner, _slash, name = place.split("/", 2)[2].partition("/")
    what = f"repository {owner}/{name}" if name else f"organization {owner}"
    names = _names(forge, f"/users/{quote(owner)}/repos") if name else _names(forge, "/user/orgs")
    near = difflib.get_close_matches(name or owner, names, 1, 0.6)
    meant = f"did you mean {f'{owner}/' if name else ''}{near[0]}?" if near else "is it spelled so?"
    text = f"{forge.url} shows no hooks of the {what} to this login; {meant} To see hooks it must be an admin there"
    return ForgeError(text, error.status)


def _names(forge, path):
    try:
        return [each.get("name") or each.get("login") or "" for each in forge.every(path)]
    except ForgeError:
        return []


def unknown_events(events, why):
    """The error for events that the forge doesn't know, with those that were likely meant."""
    odd = [event for event in sorted(events) if event not in KNOWN_EVENTS] or sorted(events)
    near = {event: difflib.get_close_matches(event, KNOWN_EVENTS, 1, 0.6) for event in odd}
    told = ", ".join(f"{event} (did you mean {match[0]}?)" if match else event for event, match in near.items())
    return KabaneroError(f"the forge does not know these events: {told}; {why}", events=odd)
