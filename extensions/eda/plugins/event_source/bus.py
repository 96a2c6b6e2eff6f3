# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source `kabanero.events.bus` of ansible-rulebook, which runs `main`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
module: bus
short_description: Receive the events of a Kabanero runner
version_added: 0.1.0
description:
  - Follows the events of a runner's bus, such as pushes, pull requests, ends of stages and events of your own, and
    hands each to the rules. A rule's condition finds its attributes in C(event.data), as a trigger does.
  - An outage of the runner is waited out. Afterwards what came meanwhile is told.
  - With O(bookmark) a restart goes on where it was. Events may come twice then, but none is left out.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  topic:
    description: Only events of this topic, such as V(SourceRepository). All when it is left out.
    type: str
  path:
    description: Only events whose topic path matches this glob, such as V(/kabanero/repository/github/*).
    type: str
  context_id:
    description: Only events of the run with this C(contextID).
    type: str
  match:
    description: Attributes that an event must have, as in a trigger's C(match). Dots go into nested objects.
    type: dict
  filter:
    description:
      - What a trigger's C(filter) lets through. A list of C(attribute) or C(jsonPath), C(allowed) and C(disallowed).
      - C(jsonPath) needs the library jsonpath-ng.
    type: list
    elements: dict
  raw:
    description: Whether C(data.rawData), the body as a forge has sent it, is told as well.
    type: bool
    default: false
  bookmark:
    description: Path of a file that says from where to go on after a restart. Left out, only new events are told.
    type: str
  since:
    description: Where to begin without a bookmark. V(now) with what comes, V(earliest) with all that the bus has kept.
    type: str
    choices: [now, earliest]
    default: now
  settle:
    description:
      - How many seconds after it was told an event counts as done for the O(bookmark). Longer than your actions take,
        for a restart tells again what was not done yet.
      - Of no use with O(feedback).
    type: float
    default: 60
  feedback:
    description:
      - Whether ansible-rulebook confirms each event when it has stored it. It needs a C(--persistence-id) and a
        database for that, and the source a C(name). The bookmark then follows each event at once.
    type: bool
    default: false
  interval:
    description: How many seconds between two looks at the bus.
    type: float
    default: 1
  host:
    description: URL of the runner. E(K8S_AUTH_HOST) when it is left out, else the O(kubeconfig)'s.
    type: str
  api_key:
    description: Token that may read. E(K8S_AUTH_API_KEY) when it is left out, else the O(kubeconfig)'s.
    type: str
  kubeconfig:
    description: The runner's kubeconfig. E(K8S_AUTH_KUBECONFIG) or E(KUBECONFIG) when it is left out.
    type: str
  context:
    description: Context of the kubeconfig. E(K8S_AUTH_CONTEXT) when it is left out.
    type: str
  ca_cert:
    description: Path of the certificate authority's certificate. E(K8S_AUTH_SSL_CA_CERT) when it is left out.
    type: str
  validate_certs:
    description: Whether the runner's certificate is verified. E(K8S_AUTH_VERIFY_SSL) when it is left out.
    type: bool
requirements:
  - urllib3 (which comes with kubernetes)
"""

EXAMPLES = r"""
- name: Ship what was pushed to main
  hosts: localhost
  sources:
    - name: pushes
      kabanero.events.bus:
        topic: SourceRepository
        match: {eventName: Push}
        filter: [{attribute: branch, allowed: [main, "release/*"]}]
        bookmark: ~/.local/state/kabanero/pushes.json
  rules:
    - name: Start the strategy
      condition: event.data.deleted == false
      action:
        run_module:
          name: kabanero.events.strategy_run
          module_args:
            strategy: ship
            name: "ship-{{ event.id }}"
"""

LOG = logging.getLogger("kabanero.events.bus")
LONGEST_PAUSE = 60.0  # seconds between tries while the runner is away
OPTIONS = {
    "topic": None,
    "path": None,
    "context_id": None,
    "match": None,
    "filter": (),
    "raw": False,
    "bookmark": None,
    "since": "now",
    "settle": 60,
    "feedback": False,
    "interval": 1,
}
QUERY = {"topic": "topic", "path": "path", "context_id": "context"}
LOGIN = {
    "host": "K8S_AUTH_HOST",
    "api_key": "K8S_AUTH_API_KEY",
    "kubeconfig": "K8S_AUTH_KUBECONFIG",
    "context": "K8S_AUTH_CONTEXT",
    "ca_cert": "K8S_AUTH_SSL_CA_CERT",
    "validate_certs": "K8S_AUTH_VERIFY_SSL",
}
OF_RULEBOOK = {"eda_feedback_queue", "name"}


def _find_collection() -> None:
    """Makes the collection that this file is of importable: ansible-rulebook runs it without Ansible's own loader."""
    root = Path(__file__).absolute().parents[6]
    if root.name != "ansible_collections":
        raise RuntimeError(f"{__file__} is not in a collection: use kabanero.events.bus instead of --source-dir")
    sys.path.append(str(root.parent))
    import ansible_collections  # type: ignore[import-not-found]

    if str(root) not in ansible_collections.__path__:
        ansible_collections.__path__.append(str(root))


_find_collection()
from ansible_collections.kabanero.events.plugins.module_utils.client import (  # noqa: E402
    URLLIB3_IMPORT_ERROR,
    Client,
)
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection  # noqa: E402
from ansible_collections.kabanero.events.plugins.module_utils.errors import ConfigError, KabaneroError  # noqa: E402
from ansible_collections.kabanero.events.plugins.module_utils.following import (  # noqa: E402
    Bookmark,
    Follower,
    Wanted,
)


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Tells events until it is cancelled. Raises ConfigError for options that can't be meant, and nothing else."""
    options = _options(args)
    query = {field: options[name] for name, field in QUERY.items() if options[name]}
    bookmark = Bookmark(options["bookmark"], float(options["settle"]))
    begin = bookmark.read()
    if begin is None and options["since"] == "earliest":
        begin = 0
    wanted = Wanted(query, options["match"], options["filter"] or (), bool(options["raw"]))
    await _follow(queue, args, Follower(wanted, begin), bookmark, float(options["interval"]))


async def _follow(queue: Any, args: dict[str, Any], follower: Any, bookmark: Any, interval: float) -> None:
    failures = 0
    while True:
        try:
            with Client(find_connection(_login(args))) as client:
                while True:
                    events = await asyncio.to_thread(follower.news, client)
                    if failures:
                        LOG.warning("the runner answers again")
                    failures = 0
                    await _tell(queue, args.get("eda_feedback_queue"), events, bookmark)
                    bookmark.told(follower.sequence)
                    bookmark.keep(confirmed="eda_feedback_queue" in args)
                    await asyncio.sleep(interval)
        except KabaneroError as error:
            # A token may be renewed, a kubeconfig be written later: nothing of this is for ever.
            failures += 1
            pause = min(interval * 2 ** min(failures, 10), LONGEST_PAUSE)
            LOG.warning("%s; trying again in %.0f s", error, pause)
            await asyncio.sleep(pause)


async def _tell(queue: Any, feedback: Any, events: list[dict[str, Any]], bookmark: Any) -> None:
    for event in events:
        await queue.put(event)
        if feedback is not None:
            await feedback.get()
        bookmark.told(event["sequence"])
        bookmark.keep(confirmed=feedback is not None)


def _options(args: dict[str, Any]) -> dict[str, Any]:
    """All options with their defaults. Raises ConfigError."""
    if URLLIB3_IMPORT_ERROR:
        raise ConfigError(f"kabanero.events.bus needs urllib3 beside ansible-rulebook\n{URLLIB3_IMPORT_ERROR}")
    known = {*OPTIONS, *LOGIN, *OF_RULEBOOK}
    if odd := sorted(set(args) - known):
        raise ConfigError(f"kabanero.events.bus has no option {', '.join(odd)}; it has {', '.join(sorted(known))}")
    options = {name: default if args.get(name) is None else args[name] for name, default in OPTIONS.items()}
    if options["since"] not in ("now", "earliest"):
        raise ConfigError(f"since is {options['since']!r}; possible: now, earliest")
    return options


def _login(args: dict[str, Any]) -> dict[str, Any]:
    login = {name: args.get(name, os.environ.get(variable)) for name, variable in LOGIN.items()}
    if isinstance(login["validate_certs"], str):
        login["validate_certs"] = login["validate_certs"].lower() in ("1", "true", "yes", "on")
    return login
