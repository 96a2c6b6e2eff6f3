"""A runner that the tests of one module share; each test uses strategies and pushes of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.runner import Runner


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A running runner with a webhook secret for github.com/acme/shop."""
    with Runner(tmp_path_factory.mktemp("runner")) as started:
        started.source()
        yield started
