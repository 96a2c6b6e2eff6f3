"""Finds the programs of the test bed: environment, our cache, PATH. For fixtures, the CLI and whoever needs kubectl."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.testbed.releases import PROGRAMS

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kabanero" / "testbed"


class PartMissingError(Exception):
    """A part is nowhere; the text says what would help."""


def program(name: str) -> Path:
    """Where it stands; raises PartMissingError."""
    if found := find(name):
        return found
    variable = _variable(name)
    raise PartMissingError(
        f"{name} is not here: `python -m tests.testbed build`, or set {variable} or KUBEBUILDER_ASSETS"
    )


def missing(names: Iterable[str]) -> list[str]:
    """Those that are nowhere, or whose files are not in our cache, in the order given."""
    return [name for name in names if not find(name) or not _complete(name)]


def find(name: str) -> Path | None:
    """The first place that has it as a file that may be executed."""
    return next((place for place in _places(name) if place.is_file() and os.access(place, os.X_OK)), None)


def shipped(release_of: str, name: str) -> Path:
    """A file or folder that the release of a program came with; raises PartMissingError.

    Only our builds have them: a program from elsewhere comes without.
    """
    place = CACHE / PROGRAMS[release_of].folder / name
    if not place.exists():
        raise PartMissingError(f"{place} is not here: `python -m tests.testbed build`")
    return place


def _places(name: str) -> Iterator[Path]:
    if named := os.environ.get(_variable(name)):
        yield Path(named)
    if folder := os.environ.get("KUBEBUILDER_ASSETS"):
        yield Path(folder) / name
    yield CACHE / PROGRAMS[name].folder / name
    if found := shutil.which(name):
        yield Path(found)


def _complete(name: str) -> bool:
    release = PROGRAMS[name]
    return all((CACHE / release.folder / file).exists() for file in release.files.values())


def _variable(name: str) -> str:
    return f"TEST_ASSET_{name.upper().replace('-', '_')}"
