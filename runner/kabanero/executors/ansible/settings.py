"""Settings of the Ansible executor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AnsibleExecutorSettings:
    """Where and how playbooks run."""

    data_dir: Path
    """Folder of the runner; artifacts lie in its `artifacts`."""

    project_dir: Path
    """Folder in which paths of playbooks are looked up; its ansible.cfg is heeded. It is never copied."""

    collections_path: str = ""
    """ANSIBLE_COLLECTIONS_PATH of playbooks; empty: Ansible's own default."""

    warm: bool = True
    """Keep a process with Ansible loaded. False: every playbook starts cold."""

    max_parallel: int = 4
    """Playbooks at the same time; further ones wait."""

    log_limit: int = 20_000_000
    """Most that is kept of one playbook's output, in bytes."""

    direct: bool = True
    """Do what a playbook of the collection does without playing it, where it says how. False: play every playbook."""

    inline: bool = True
    """Do tasks that need no process of their own in that of their playbook. False: fork a worker for every task."""

    kill_after: float = 10.0
    """Seconds that a cancelled driver gets to clean up before it is killed with all its processes."""
