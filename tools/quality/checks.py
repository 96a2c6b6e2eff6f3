"""The checks: what each reads, the programs it needs, and what it does. The long ones first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.quality import archive, foreign, testing
from tools.quality.environments import COLLECTION, IMPORTER, MAIN, NEXT, OWN, Environment
from tools.quality.place import Place
from tools.quality.tree import ROOT

SHIPPED = ("galaxy.yml", "README.md", "LICENSE", "meta", "plugins", "playbooks", "roles", "extensions", "changelogs")
RUNNER = ("runner", "pyproject.toml", "requirements/dev.txt")
BESIDE = ("config", "examples", "tests/__init__.py", "tests/support", "tests/testbed", "tests/cluster/crdcheck")
TESTS = ("examples", "tests/unit/plugins", "tests/integration/targets", "tests/integration/collection")
GUIDES = ("tests/conftest.py", "tests/integration/__init__.py", "tests/integration/docs")
WRITTEN = ("docs", "examples", "config")


@dataclass(frozen=True)
class Check:
    """One judge. It passed when `carry_out` raises nothing."""

    what: str
    environment: Environment
    reads: tuple[str, ...]
    carry_out: Callable[[Place], None]

    def decides(self) -> str:
        """What its word depends on beside the files it reads: its programs, and these checks themselves."""
        return self.environment.text() + _own_text()


def _own_text() -> str:
    return "".join(path.read_text() for path in sorted(Path(__file__).parent.glob("*.py")))


def lint(place: Place) -> None:
    """ansible-lint at its strictest; a warning is no failure."""
    foreign.link(place)
    place.run("ansible-lint", "--profile", "production", "--offline", "--strict")


def documentation(place: Place) -> None:
    """What plugins, roles and docs/docsite say, and that all they refer to is there."""
    place.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")


def changelog(place: Place) -> None:
    """Fragments."""
    place.run("antsibull-changelog", "lint")


def _molecule(scenario: str) -> Check:
    """A scenario of its own for each role: what it does, on a runner or on a real API server."""
    folders = (f"extensions/molecule/{name}" for name in ("config.yml", "shared", scenario))
    reads = (*(each for each in SHIPPED if each != "extensions"), *RUNNER, *folders, *BESIDE)
    return Check(f"molecule test of {scenario}", COLLECTION, reads, partial(testing.molecule, scenario))


def _scenarios() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))


CHECKS: dict[str, Check] = {
    "sanity": Check("ansible-test sanity", COLLECTION, (*SHIPPED, *WRITTEN, "tests/sanity"), testing.sanity),
    "sanity-next": Check(
        "ansible-test sanity of the newest ansible-core", NEXT, (*SHIPPED, *WRITTEN, "tests/sanity"), testing.sanity
    ),
    "integration": Check("ansible-test integration", COLLECTION, (*SHIPPED, *RUNNER, *TESTS), testing.integration),
    "units": Check("ansible-test units", OWN, (*SHIPPED, *RUNNER, *TESTS), testing.units),
    "tutorial": Check(
        "the tutorial, from the tarball", MAIN, (*SHIPPED, *WRITTEN, *RUNNER, *BESIDE, *GUIDES), archive.tutorial
    ),
    "lint": Check(
        "ansible-lint, profile production", COLLECTION, (*SHIPPED, *WRITTEN, ".ansible-lint", ".yamllint"), lint
    ),
    "documentation": Check("antsibull-docs", COLLECTION, (*SHIPPED, *WRITTEN), documentation),
    "archive": Check("what is in the tarball", COLLECTION, (":/",), archive.content),
    "environment": Check("ansible-builder", IMPORTER, ("galaxy.yml", "meta"), archive.environment),
    "changelog": Check("antsibull-changelog", COLLECTION, ("galaxy.yml", "changelogs", "plugins", "roles"), changelog),
    "importer": Check("galaxy-importer, as Galaxy runs it", IMPORTER, (*SHIPPED, *WRITTEN), archive.imported),
    **{f"molecule-{scenario}": _molecule(scenario) for scenario in _scenarios()},
}
