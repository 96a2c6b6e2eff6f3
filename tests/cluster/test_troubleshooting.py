"""The page about trouble on a cluster does what it says: its blocks are run in order, against a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.docs.reading import ROOT
from tests.integration.docs.session import Session
from tests.integration.docs.test_guides import follow
from tests.testbed.cluster import SimulatedCluster

pytestmark = pytest.mark.cluster
PAGE = ROOT / "docs" / "troubleshooting-cluster.md"


@pytest.fixture
def namespaces(cluster: SimulatedCluster) -> Iterator[None]:
    """The shop's, and that of the runner's Leases."""
    for name in ("shop", "kabanero"):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield
    cluster.kubectl("delete", "namespace", "shop", "--wait=false")


@pytest.mark.usefixtures("namespaces")
def test_the_page_about_trouble_on_a_cluster_does_what_it_says(cluster: SimulatedCluster, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "config").symlink_to(ROOT / "config")
    with Session(folder, KUBECONFIG=str(cluster.kubeconfig)) as session:
        follow(PAGE, session)
