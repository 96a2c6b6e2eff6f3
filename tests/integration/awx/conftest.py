"""A fake AWX for each test, and the collections that speak with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.awx.world import QUICK, World
from tests.support.awx import FakeAwx
from tests.support.collection import collections_path
from tests.support.foreign_collections import awx_awx
from tests.support.runner import Runner


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    """A new AWX."""
    with FakeAwx() as started:
        yield started


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ANSIBLE_COLLECTIONS_PATH must name: ours, and awx.awx."""
    ours: Path = collections_path(tmp_path_factory.mktemp("collections"))
    return f"{ours}:{awx_awx()}"


@pytest.fixture
def world(awx: FakeAwx, tmp_path: Path) -> Iterator[World]:
    """A runner beside it."""
    with Runner(tmp_path, config=QUICK) as runner:
        yield World(runner, awx)
