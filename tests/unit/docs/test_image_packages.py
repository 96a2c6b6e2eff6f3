"""The packages of the image are those that the runner needs, at the versions that tests run with."""

from __future__ import annotations

from pathlib import Path

from tools import lock

DEV = Path(__file__).parents[3] / "requirements" / "dev.txt"


def test_the_image_has_what_the_runner_needs_and_nothing_else() -> None:
    assert lock.FILE.read_text() == lock.text(), "`make lock` writes requirements/runner.txt anew"


def test_its_versions_are_those_that_tests_run_with() -> None:
    pins = {line for line in lock.FILE.read_text().splitlines() if not line.startswith("#")}
    assert pins <= set(DEV.read_text().splitlines())
