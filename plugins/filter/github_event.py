# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: github_event
short_description: The event's object of a webhook that GitHub sent
version_added: 0.1.0
description:
  - Makes of a webhook's payload the object that a runner makes of it when the webhook comes to the runner itself, with
    the fields that triggers of topic C(SourceRepository) match.
  - Use it where something else has taken the webhook, such as a job template of AWX, and hand its result to
    M(kabanero.events.event). Nothing of the payload is evaluated.
positional: event_type
options:
  _input:
    description: The payload, C(awx_webhook_payload) in AWX.
    type: dict
    required: true
  event_type:
    description: GitHub's name of the event, C(awx_webhook_event_type) in AWX, such as V(push) or V(pull_request).
    type: str
    required: true
seealso:
  - module: kabanero.events.event
  - module: kabanero.events.strategy_trigger
"""

EXAMPLES = r"""
- name: Take what AWX has handed over
  ansible.builtin.set_fact:
    awx_webhook_event_type: push
    awx_webhook_payload:
      ref: refs/heads/main
      after: 6dcb09b5b57875f334f61aebed695e2e4193db5e
      repository: {name: shop, full_name: acme/shop, html_url: "https://github.com/acme/shop"}

- name: A trigger sees the branch
  ansible.builtin.assert:
    that: (awx_webhook_payload | kabanero.events.github_event(awx_webhook_event_type)).branch == 'main'
"""

RETURN = r"""
_value:
  description: The event's object.
  type: dict
  sample:
    repositoryType: github
    eventName: Push
    repository: shop
    owner: acme
    location: https://github.com/acme/shop
    ref: refs/heads/main
    branch: main
    commit: 6dcb09b5b57875f334f61aebed695e2e4193db5e
    rawData: {ref: refs/heads/main}
"""

from ansible.errors import AnsibleFilterError

BRANCH = "refs/heads/"
TAG = "refs/tags/"


def github_event(payload, event_type):
    if not isinstance(payload, dict):
        raise AnsibleFilterError("github_event takes a webhook's payload, a dictionary")
    if not isinstance(event_type, str) or not event_type:
        raise AnsibleFilterError("github_event needs GitHub's name of the event, such as push")
    read = FIELDS.get(event_type)
    return {**_common(payload, event_type), **(read(payload) if read else {}), "rawData": payload}


def _common(payload, event_type):
    repository = _part(payload, "repository")
    owner, _slash, name = _text(repository.get("full_name")).partition("/")
    owner = owner or _text(_part(payload, "organization").get("login"))
    fields = {
        "repositoryType": "github",
        "eventName": "".join(word.capitalize() for word in event_type.split("_")),
        "user": _text(_part(payload, "sender").get("login")) or _text(_part(payload, "pusher").get("name")),
        "repository": name,
        "owner": owner,
        "fullName": f"{owner}/{name}" if name else "",
        "location": _text(repository.get("html_url")),
    }
    return {**fields, "action": _text(payload["action"])} if "action" in payload else fields


def _push(payload):
    before, after = _text(payload.get("before")), _text(payload.get("after"))
    deleted = payload.get("deleted") is True or _is_nothing(after)
    commit = _text(_part(payload, "head_commit").get("id")) or after
    return {
        **_ref(_text(payload.get("ref"))),
        "commit": "" if deleted else commit,
        "before": before,
        "created": payload.get("created") is True or _is_nothing(before),
        "deleted": deleted,
        "forced": payload.get("forced") is True,
    }


def _pull_request(payload):
    request = _part(payload, "pull_request")
    head, base = _part(request, "head"), _part(request, "base")
    number = payload.get("number", request.get("number"))
    commit = _text(head.get("sha"))
    return {
        "number": number,
        "ref": f"refs/pull/{number}/head",
        "branch": _text(base.get("ref")),
        "commit": commit,
        "headBranch": _text(head.get("ref")),
        "headCommit": commit,
        "headLocation": _text(_part(head, "repo").get("html_url")),
        "baseBranch": _text(base.get("ref")),
        "baseCommit": _text(base.get("sha")),
        "draft": request.get("draft") is True,
        "merged": request.get("merged") is True,
    }


def _created_or_deleted(payload):
    return _ref((TAG if payload.get("ref_type") == "tag" else BRANCH) + _text(payload.get("ref")))


def _release(payload):
    return _ref(TAG + _text(_part(payload, "release").get("tag_name")))


def _dispatch(payload):
    return _ref(_text(payload.get("ref")))


FIELDS = {
    "push": _push,
    "pull_request": _pull_request,
    "create": _created_or_deleted,
    "delete": _created_or_deleted,
    "release": _release,
    "workflow_dispatch": _dispatch,
}


def _ref(ref):
    return {
        "ref": ref,
        "branch": ref[len(BRANCH) :] if ref.startswith(BRANCH) else "",
        "tag": ref[len(TAG) :] if ref.startswith(TAG) else "",
    }


def _part(value, key):
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value):
    return value if isinstance(value, str) else ""


def _is_nothing(commit):
    return bool(commit) and not commit.strip("0")


class FilterModule:
    def filters(self):
        return {"github_event": github_event}
