"""The real kubectl, as the test bed finds it; built when Go is here, since it needs no cluster.

Without any it is a loud skip, in CI a failure: `kubectl()` is for fixtures.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.support.absent import absent
from tests.testbed.build import build
from tests.testbed.parts import CACHE, find, program


@cache
def kubectl() -> Path:
    """The program. Skips the test when there is none, fails it in CI."""
    if found := find("kubectl"):
        return found
    if not shutil.which("go"):
        absent("kubectl", "install kubectl, or Go to build it, or set TEST_ASSET_KUBECTL")
    build(["kubectl"], CACHE)
    return program("kubectl")
