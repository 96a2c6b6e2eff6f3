"""The collections that ours depends on, put beside it: for checks that look into them or run them."""

from __future__ import annotations

from tests.support.foreign_collections import awx_awx, kubernetes_core
from tools.quality.place import Place


def link(place: Place) -> None:
    """Makes kubernetes.core and awx.awx part of the tree; they are fetched when this machine has them nowhere."""
    for found, namespace in ((kubernetes_core(), "kubernetes"), (awx_awx(), "awx")):
        beside = place.folder / "tree" / "ansible_collections" / namespace
        beside.symlink_to(found / "ansible_collections" / namespace)
