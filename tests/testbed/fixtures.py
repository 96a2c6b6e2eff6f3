"""The test bed as pytest fixtures, known to every test by tests/conftest.py.

A part that is nowhere is a loud skip, in CI a failure. Fixtures build nothing: `make test-cluster` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.absent import absent
from tests.testbed import runner_image as image
from tests.testbed.apiserver import ApiServer
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.containers import left_of
from tests.testbed.ending import ended_with_us
from tests.testbed.forge import Forge
from tests.testbed.real import RealCluster

IMAGE = "docker.io/local/kabanero-runner:1"
BUILD = "make test-cluster builds it"
Server = TypeVar("Server", ApiServer, SimulatedCluster, RealCluster, Forge)


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server on its own etcd, with the project's definitions of resources."""
    yield from _started(ApiServer, tmp_path_factory)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCluster]:
    """A whole cluster with Tekton and simulated pods; `outcome` says how a pod ends."""
    yield from _started(SimulatedCluster, tmp_path_factory)


@pytest.fixture(scope="package")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A whole cluster with Tekton whose pods run, on this machine as its node."""
    yield from _started(RealCluster, tmp_path_factory)


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A real forge, Gitea: takes `git push`, sends webhooks."""
    yield from _started(Forge, tmp_path_factory)


@pytest.fixture(scope="session")
def runner_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the image of this checkout's runner, called IMAGE. Made here: only its base is a part."""
    if lacking := image.lacking():
        absent(f"what makes the runner's image ({', '.join(lacking)})", BUILD)
    archive = tmp_path_factory.mktemp("image") / "runner.tar"
    image.build_runner(archive, IMAGE)
    return archive


def _started(kind: type[Server], folders: pytest.TempPathFactory) -> Iterator[Server]:
    if lacking := kind.lacking():
        absent(f"a part of the test bed ({', '.join(lacking)})", BUILD)
    folder = folders.mktemp(kind.__name__.lower())
    with ended_with_us(folder):
        server = kind(folder)
        server.start()
        yield server
    assert not left_of(folder)
