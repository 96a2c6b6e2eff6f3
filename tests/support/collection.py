"""The collection where Ansible finds it: a tree with a link to this checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def collections_path(folder: Path) -> Path:
    """Makes `folder/ansible_collections/kabanero/events`; the folder is what ANSIBLE_COLLECTIONS_PATH must name."""
    namespace = folder / "ansible_collections" / "kabanero"
    namespace.mkdir(parents=True, exist_ok=True)
    link = namespace / "events"
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return folder
