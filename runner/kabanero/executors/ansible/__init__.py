"""The Executor port on ansible-runner: every playbook is driven by it, from a process that has Ansible loaded already.

Three kinds of processes. The runner's own (`executor`, `server_link`) never loads Ansible. The *job server* has loaded
it and does nothing but fork. A *driver* per playbook runs ansible-runner, outlives the runner, and leaves a result.
"""

from kabanero.executors.ansible.executor import AnsibleExecutor
from kabanero.executors.ansible.settings import AnsibleExecutorSettings

__all__ = ["AnsibleExecutor", "AnsibleExecutorSettings"]
