#!/usr/bin/python
# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: github_event_source
short_description: Say which repository's or organization's webhooks are believed
version_added: 0.1.0
description:
  - Makes, changes and deletes a C(GithubEventSource) through the resource API of a runner or cluster.
  - A webhook starts runs only when the secret of a source has signed it.
  - Secrets themselves are made by M(kubernetes.core.k8s), which works against a runner as well as against a cluster.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  url:
    description:
      - The repository or organization, V(https://HOST/OWNER/REPOSITORY), V(https://HOST/OWNER) or
        V(https://HOST/enterprises/ORGANIZATION).
    type: str
  webhook_secret:
    description: Where the secret lies that signs its webhooks.
    type: dict
    suboptions: &key
      name:
        description: Name of the Secret in the same namespace.
        type: str
        required: true
      key:
        description: Key in its data. C(secret) when it is left out.
        type: str
  previous_webhook_secret:
    description: The secret before, which is valid as long as it stands here. Give it while you rotate secrets.
    type: dict
    suboptions: *key
  api_secret:
    description: Name of the Secret with access to the forge's API.
    type: str
extends_documentation_fragment:
  - kabanero.events.auth
  - kabanero.events.definition
  - kabanero.events.definition.meta
  - kabanero.events.attributes
  - kabanero.events.attributes.action_group
attributes:
  idempotent:
    support: full
seealso:
  - module: kabanero.events.strategy_trigger
"""

EXAMPLES = r"""
- name: Believe the webhooks of a repository
  kabanero.events.github_event_source:
    name: shop
    namespace: kabanero
    url: https://github.com/acme/shop
    webhook_secret:
      name: shop-webhook
      key: secret

- name: Rotate the secret, and believe the old one until the forge has the new one
  kabanero.events.github_event_source:
    name: shop
    namespace: kabanero
    webhook_secret:
      name: shop-webhook-2
    previous_webhook_secret:
      name: shop-webhook

- name: Believe the old one no longer
  kabanero.events.github_event_source:
    name: shop
    namespace: kabanero
    spec:
      previousWebhookSecret: null

- name: Delete a source
  kabanero.events.github_event_source:
    name: shop
    namespace: kabanero
    state: absent
"""

RETURN = r"""
resource:
  description: The resource as it is now, or as it would be in check mode.
  returned: when O(state=present)
  type: dict
  sample:
    apiVersion: kabanero.io/v1alpha1
    kind: GithubEventSource
    metadata: {name: shop, namespace: kabanero, generation: 1}
    spec:
      url: https://github.com/acme/shop
      webhookSecret: {name: shop-webhook, key: secret}
"""

from ansible_collections.kabanero.events.plugins.module_utils.definitions import definition

_KEY = {
    "type": "dict",
    "no_log": False,
    "options": {"name": {"type": "str", "required": True}, "key": {"type": "str", "no_log": False}},
}
OPTIONS = {
    "url": {"type": "str"},
    "webhook_secret": _KEY,
    "previous_webhook_secret": _KEY,
    "api_secret": {"type": "str", "no_log": False},
}
FIELDS = {
    "url": "url",
    "webhook_secret": "webhookSecret",
    "previous_webhook_secret": "previousWebhookSecret",
    "api_secret": "apiSecret",
}
MODULE = definition("GithubEventSource", OPTIONS, FIELDS)


def main():
    MODULE.main()


if __name__ == "__main__":
    main()
