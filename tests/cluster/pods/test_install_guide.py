"""The guide to installing does what it says: its blocks are run in order, against a cluster whose pods run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docs.reading import ON_A_CLUSTER, ROOT
from tests.integration.docs.session import Session
from tests.integration.docs.test_guides import follow
from tests.support.foreign_collections import kubernetes_core
from tests.testbed.fixtures import IMAGE
from tests.testbed.real import RealCluster

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
NAMED = [f"registry.example.com/team/kabanero-runner:{version}" for version in ("0.1.0", "0.1.1")]


@pytest.fixture
def node(real_cluster: RealCluster, runner_image: Path) -> Iterator[RealCluster]:
    """The node has the images that the guide names; at the end the kinds are there again."""
    real_cluster.import_image(runner_image)
    for name in NAMED:
        assert real_cluster.ctr("images", "tag", "--force", IMAGE, name).returncode == 0
    yield real_cluster
    real_cluster.load_crds()
    real_cluster.kubectl("delete", "namespace", "kabanero", "--ignore-not-found")


@pytest.mark.parametrize("guide", ON_A_CLUSTER, ids=lambda path: path.name)
def test_the_guide_does_what_it_says(node: RealCluster, guide: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "config").symlink_to(ROOT / "config")
    # A reader has an inventory, about which Ansible does not warn.
    quiet = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    where = {"KUBECONFIG": str(node.kubeconfig), "ANSIBLE_COLLECTIONS_PATH": str(kubernetes_core())}
    with Session(folder, **where, **quiet) as session:
        follow(guide, session)
