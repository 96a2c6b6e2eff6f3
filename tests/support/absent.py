"""How a test ends that needs something which is not here: a skip that says what would help, in CI a failure."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what: str, command: str) -> NoReturn:
    """Ends the test; `command` is what would help."""
    text = f"{what} is not here: {command}"
    if os.environ.get("CI"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
