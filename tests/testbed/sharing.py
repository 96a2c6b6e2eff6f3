"""Lets pytest's workers share the tests that need a cluster: for `--dist loadfile --no-loadscope-reorder`.

A file is one worker's, whose session has its own API server. All tests whose pods run are one worker's too: a machine
has room for one such cluster. The longest come first. A plugin of tests/conftest.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

PODS = "tests/cluster/pods/"


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Of those that were chosen, the longest first."""
    yield
    if all(item.get_closest_marker("cluster") for item in items):
        items.sort(key=lambda item: (_share(item.nodeid) != PODS, item.get_closest_marker("slow") is None))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What hands shares out; None: as xdist does it."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Sharing(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _share(nodeid)

    return Sharing(config, log)


def _share(nodeid: str) -> str:
    return PODS if nodeid.startswith(PODS) else nodeid.partition("::")[0]
