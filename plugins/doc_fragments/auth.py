# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the resource API is and who we are; the same names and variables as in kubernetes.core."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description:
      - URL of the runner or cluster.
      - If the value is not specified, the environment variable E(K8S_AUTH_HOST) is used, else the O(kubeconfig).
    type: str
  api_key:
    description:
      - Token that is sent with every request.
      - If the value is not specified, the environment variable E(K8S_AUTH_API_KEY) is used, else the O(kubeconfig).
    type: str
  kubeconfig:
    description:
      - Path of a kubeconfig. The runner writes one to C(kubeconfig) in its data folder.
      - If the value is not specified, the environment variables E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG) are used, else
        C(~/.kube/config), else the account of the Pod that the module runs in.
    type: path
  context:
    description:
      - Context of the O(kubeconfig) to use. Its current one when it is left out.
      - If the value is not specified, the environment variable E(K8S_AUTH_CONTEXT) is used.
    type: str
  ca_cert:
    description:
      - Path of the certificate authority's certificate, to verify the server.
      - If the value is not specified, the environment variable E(K8S_AUTH_SSL_CA_CERT) is used.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a client certificate.
      - If the value is not specified, the environment variable E(K8S_AUTH_CERT_FILE) is used.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the client certificate's key.
      - If the value is not specified, the environment variable E(K8S_AUTH_KEY_FILE) is used.
    type: path
    aliases: [key_file]
  validate_certs:
    description:
      - Whether the server's certificate is verified. It is, unless the O(kubeconfig) says otherwise.
      - If the value is not specified, the environment variable E(K8S_AUTH_VERIFY_SSL) is used.
    type: bool
    aliases: [verify_ssl]
  namespace:
    description:
      - Namespace of the resource.
      - If the value is not specified, the environment variables E(KABANERO_NAMESPACE), which the runner sets for a
        stage's playbook, and E(K8S_AUTH_NAMESPACE) are used, else the namespace of the context, else V(default).
    type: str
requirements:
  - python >= 3.9
  - kubernetes >= 24.2.0 (of which little is loaded unless the kubeconfig logs in by a plugin)
"""

    # Plugins that are no modules read the environment by themselves. What the token is for and whose namespace it is
    # they say on their own.
    PLUGIN = r"""
options:
  host:
    description: URL of the runner or cluster.
    type: str
    env: [{name: K8S_AUTH_HOST}]
  kubeconfig:
    description: Path of a kubeconfig.
    type: path
    env: [{name: K8S_AUTH_KUBECONFIG}]
  context:
    description: Context of the O(kubeconfig) to use. Its current one when it is left out.
    type: str
    env: [{name: K8S_AUTH_CONTEXT}]
  ca_cert:
    description: Path of the certificate authority's certificate, to verify the server.
    type: path
    env: [{name: K8S_AUTH_SSL_CA_CERT}]
  client_cert:
    description: Path of a client certificate.
    type: path
    env: [{name: K8S_AUTH_CERT_FILE}]
  client_key:
    description: Path of the client certificate's key.
    type: path
    env: [{name: K8S_AUTH_KEY_FILE}]
  validate_certs:
    description: Whether the server's certificate is verified.
    type: bool
    env: [{name: K8S_AUTH_VERIFY_SSL}]
requirements:
  - kubernetes >= 24.2.0 (of which little is loaded unless the kubeconfig logs in by a plugin)
"""
