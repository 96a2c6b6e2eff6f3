#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: webhook
short_description: Let a repository or organization send its events to the runner
version_added: 0.1.0
description:
  - Makes, changes and deletes the webhook at GitHub, GitHub Enterprise Server, Gitea or Forgejo.
  - M(kabanero.events.github_event_source) says on the runner's side that the webhook's secret is believed.
  - There is one webhook for each O(url). Where several send to the same, one is kept and the others are deleted, since
    each of them would start runs.
notes:
  - >-
    No forge tells the secret of a webhook back. So that this module sees when it has changed, it adds a mark to the
    URL, C(?secret-id=) with eight digits. They are 32 bits of a PBKDF2 hash of secret and URL, too few to find the
    secret by, and the runner pays no heed to them. A webhook without the mark, or with another one, gets the secret.
    What somebody has changed at the forge by hand is not seen; O(update_secret=always) writes the secret whatever the
    mark says, and O(ping) shows whether the runner believes it.
  - The API of Gitea and Forgejo can't change a secret. There a new webhook is made and the old one is deleted then. A
    push within that second may be told twice, and what the forge had not delivered yet of the old one is lost.
  - When the forge asks for patience (rate limits, 429, 5xx), everything is read again afterwards and not just repeated.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  repository:
    description: The repository, C(OWNER/NAME).
    type: str
  organization:
    description: The organization, for the events of all its repositories.
    type: str
  url:
    description: Where the runner's webhook is, as the forge reaches it, such as V(https://ci.example.com/webhook).
    type: str
    required: true
  state:
    description: Whether there is to be such a webhook.
    type: str
    choices: [present, absent]
    default: present
  events:
    description: Which events it is told, in the forge's words. Of an existing webhook the list is replaced.
    type: list
    elements: str
    default: [push, pull_request]
  secret:
    description: What signs the deliveries. The runner believes none without. Required when O(state=present).
    type: str
  update_secret:
    description: Whether the secret is written when the mark in the URL says so, or at every call.
    type: str
    choices: [when_changed, always]
    default: when_changed
  content_type:
    description: How a delivery is written.
    type: str
    choices: [json, form]
    default: json
  active:
    description: Whether it sends anything.
    type: bool
    default: true
  insecure_ssl:
    description: Whether the forge sends even where it can't verify the certificate. Gitea has no such choice.
    type: bool
    default: false
  ping:
    description:
      - Whether to let GitHub ping the webhook, at every call, and to wait until it was answered well. The runner
        answers well what was signed by a secret that it believes, and is on its disk.
      - Gitea has no ping.
    type: bool
    default: false
  wait_timeout:
    description: How many seconds to wait at most for the ping, and before that for a forge that asks for patience.
    type: int
    default: 60
  forge:
    description: Whose API it is. V(gitea) is Forgejo's as well.
    type: str
    choices: [github, gitea]
    default: github
  api_url:
    description:
      - Where the API is. V(https://HOST/api/v3) for GitHub Enterprise Server, V(https://HOST/api/v1) for Gitea.
      - If the value is not specified, the environment variable E(GITHUB_API_URL) is used, else GitHub's own.
    type: str
  token:
    description:
      - Token of an admin of the repository or organization.
      - If the value is not specified, the environment variables E(GITHUB_TOKEN) and E(GH_TOKEN) are used, unless there
        is an O(app_id).
    type: str
  app_id:
    description: Id or client id of a GitHub App that has the permission C(Webhooks), instead of O(token).
    type: str
  app_private_key:
    description: Private key of the App, as PEM text or the path of a file with it.
    type: str
  app_installation_id:
    description: Which installation of the App. Looked up when it is left out.
    type: int
  ca_cert:
    description: Path of the certificate authority's certificate, to verify the forge.
    type: path
  validate_certs:
    description: Whether the forge's certificate is verified.
    type: bool
    default: true
extends_documentation_fragment:
  - kabanero.events.attributes
attributes:
  idempotent:
    details: Not with O(update_secret=always), which writes the secret at each call.
    support: partial
requirements:
  - python >= 3.9
  - PyGithub >= 2.6
seealso:
  - module: kabanero.events.github_event_source
  - module: kabanero.events.event_info
"""

EXAMPLES = r"""
- name: Let a repository send its pushes and pull requests
  kabanero.events.webhook:
    repository: acme/shop
    url: https://ci.example.com/webhook
    secret: "{{ webhook_secret }}"

- name: Let a whole organization send, and see that the runner believes it
  kabanero.events.webhook:
    organization: acme
    url: https://ci.example.com/webhook
    events: [push, pull_request, create, delete]
    secret: "{{ webhook_secret }}"
    ping: true
  register: hook

- name: The ping is an event as any other
  ansible.builtin.debug:
    msg: "answered {{ hook.delivery.status_code }}"

- name: Send nothing for a while
  kabanero.events.webhook:
    repository: acme/shop
    url: https://ci.example.com/webhook
    secret: "{{ webhook_secret }}"
    active: false

- name: Send nothing any more
  kabanero.events.webhook:
    repository: acme/shop
    url: https://ci.example.com/webhook
    state: absent
"""

RETURN = r"""
hook:
  description: The webhook as it is now, or as it would be in check mode.
  returned: when O(state=present)
  type: dict
  sample:
    id: 12345678
    url: https://ci.example.com/webhook
    events: [pull_request, push]
    active: true
    content_type: json
    insecure_ssl: false
    secret_id: 3f2a9c41
delivery:
  description: The ping and how it was answered.
  returned: when O(ping=true), outside check mode
  type: dict
  sample:
    id: 93676014012
    guid: 2c2bd6fa-51b2-4c6f-8f0f-9d8f0d4f5a11
    status: OK
    status_code: 202
    delivered_at: "2026-11-23T08:45:00Z"
"""

from urllib.parse import quote, urlsplit

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.forge import (
    FORGE_OPTIONS,
    GITHUB_IMPORT_ERROR,
    Forge,
    patiently,
)
from ansible_collections.kabanero.events.plugins.module_utils.hooks import (
    GiteaHooks,
    GithubHooks,
    Hook,
    Wish,
    keep,
    secret_id,
    split_mark,
)
from ansible_collections.kabanero.events.plugins.module_utils.pinging import NO_PING, ping

OPTIONS = {
    "repository": {"type": "str"},
    "organization": {"type": "str"},
    "url": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "events": {"type": "list", "elements": "str", "default": ["push", "pull_request"]},
    "secret": {"type": "str", "no_log": True},
    "update_secret": {
        "type": "str",
        "choices": ["when_changed", "always"],
        "default": "when_changed",
        "no_log": False,
    },
    "content_type": {"type": "str", "choices": ["json", "form"], "default": "json"},
    "active": {"type": "bool", "default": True},
    "insecure_ssl": {"type": "bool", "default": False},
    "ping": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
    **FORGE_OPTIONS,
}
CHECKS = {
    "mutually_exclusive": [("repository", "organization")],
    "required_one_of": [("repository", "organization"), ("token", "app_id")],
    "required_if": [("state", "present", ["secret"])],
    "required_together": [("app_id", "app_private_key")],
}


def main():
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True, **CHECKS)
    if GITHUB_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("PyGithub"), exception=GITHUB_IMPORT_ERROR)
    try:
        result = act(module.params, module.check_mode)
    except KabaneroError as error:
        module.fail_json(msg=str(error), **error.details)
    module.exit_json(**result)


def act(params, check_mode):
    """The result. Raises KabaneroError."""
    check(params)
    hooks = hooks_of(params)
    timeout = params["wait_timeout"]
    if params["state"] == "absent":
        return patiently(lambda: removed(hooks, params["url"], check_mode), timeout)
    wish = wish_of(params)
    before, after, spare = patiently(lambda: keep(hooks, wish, check_mode), timeout)
    written = wish.always or shown(before) != shown(after) or bool(spare)
    result = {"changed": written, "diff": diff(before, after, spare), "hook": {"id": after.id, **after.as_dict()}}
    if params["ping"] and not check_mode:
        result["delivery"] = patiently(lambda: ping(hooks, after, timeout), timeout)
    return result


def check(params):
    """Raises KabaneroError for what no forge would take, and for what Gitea has not."""
    repository, url = params["repository"], params["url"]
    if repository is not None and (repository.count("/") != 1 or "" in repository.split("/")):
        raise KabaneroError(f"repository {repository!r} is not OWNER/NAME, such as acme/shop")
    if params["state"] == "absent":
        return
    if not params["secret"]:
        raise KabaneroError("secret is empty: the runner believes no webhook without one")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise KabaneroError(f"url {url!r} is no address such as https://ci.example.com/webhook")
    if parts.fragment:
        raise KabaneroError(f"url {url} has a fragment, which no forge sends: leave out #{parts.fragment}")
    if split_mark(url)[1]:
        raise KabaneroError(f"url {url} has a secret-id, which the module adds itself: leave it out")
    if not params["events"]:
        raise KabaneroError("events is empty: a webhook for no event says nothing; use active: false to silence it")
    if params["forge"] == "gitea" and params["ping"]:
        raise KabaneroError(NO_PING)
    if params["forge"] == "gitea" and params["insecure_ssl"]:
        raise KabaneroError("Gitea has no insecure_ssl for one webhook, only SKIP_TLS_VERIFY for all in its app.ini")


def hooks_of(params):
    owner, _slash, name = (params["repository"] or params["organization"]).partition("/")
    # A token from the environment doesn't count beside an App.
    chosen = {**params, "token": None} if params["app_id"] else params
    place = f"/repos/{quote(owner)}/{quote(name)}" if name else f"/orgs/{quote(owner)}"
    kind = GiteaHooks if params["forge"] == "gitea" else GithubHooks
    return kind(Forge(chosen, owner, name), place)


def wish_of(params):
    hook = Hook(
        url=params["url"],
        events=frozenset(params["events"]),
        active=params["active"],
        content_type=params["content_type"],
        insecure_ssl=params["insecure_ssl"],
        mark=secret_id(params["secret"], params["url"]),
    )
    return Wish(hook, params["secret"], params["update_secret"] == "always")


def removed(hooks, url, check_mode):
    """Deletes all that send to this URL."""
    found = hooks.find(url)
    for hook in () if check_mode else found:
        hooks.remove(hook)
    return {"changed": bool(found), "diff": diff(found[0] if found else None, None, found[1:])}


def diff(before, after, spare):
    others = {"others": [each.as_dict() for each in spare]} if spare else {}
    return {"before": {**shown(before), **others}, "after": shown(after)}


def shown(hook):
    return hook.as_dict() if hook else {}


if __name__ == "__main__":
    main()
