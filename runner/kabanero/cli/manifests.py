"""Resources from files, folders and stdin, read by the compatibility loader as one text, each with its place.

Read together, a name in one file finds what it means in another. Used by `apply`, `delete`, `lint`, `graph` and
`convert`.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from kabanero.cli.errors import UsageError
from kabanero.cli.text import safe
from kabanero.model.compat import Loaded, Repair, load
from kabanero.model.errors import Problem

Json = dict[str, Any]
SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
_JOIN = "\n\n---\n"
LISTED = 8
"""Most files of a folder that are named where none is near."""
LARGEST = 50_000_000
"""Most that is read from one file, in bytes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as editors jump to it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{'stdin' if self.file == STDIN else self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One resource, where it begins, the place of every field path, and what is wrong with it."""

    resource: Json
    place: Place
    lines: dict[str, Place] = field(default_factory=dict)
    problems: list[tuple[Place, Problem]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """`StrategyDefinition main`, safe to print."""
        metadata = self.resource.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return safe(f"{self.resource.get('kind') or 'resource'} {name or ''}".rstrip())


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read: resources, repairs, and problems of text that is no resource at all."""

    manifests: list[Manifest] = field(default_factory=list)
    repairs: list[tuple[Place, Repair]] = field(default_factory=list)
    problems: list[tuple[Place, Problem]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Manifest]:
        """The resources."""
        return iter(self.manifests)


def read_manifests(paths: Sequence[str]) -> Reading:
    """Everything in these files and folders. Raises UsageError for a file that can't be read."""
    pieces = [(file, read_text(file)) for path in paths for file in _files(path)]
    lengths = [text.count("\n") + _JOIN.count("\n") for _, text in pieces]
    sheet = _Sheet([name for name, _ in pieces], list(accumulate(lengths[:-1], initial=1)))
    loaded = load(_JOIN.join(text for _, text in pieces))
    repairs = [(sheet.place(repair.line), repair) for repair in loaded.repairs]
    return Reading(list(_manifests(loaded, sheet)), repairs, sheet.placed(loaded.unreadable))


def _manifests(loaded: Loaded, sheet: _Sheet) -> Iterator[Manifest]:
    for resource, lines, problems in zip(loaded.resources, loaded.lines, loaded.problems_of, strict=True):
        places = {path: sheet.place(line) for path, line in lines.items()}
        yield Manifest(resource, sheet.place(lines.get("", 1)), places, sheet.placed(problems))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """All files written below each other: which line of which file a line is."""

    names: Sequence[str]
    starts: Sequence[int]

    def place(self, line: int) -> Place:
        """The place of a line, counted from 1."""
        which = max(bisect_right(self.starts, line) - 1, 0)
        return Place(self.names[which], line - self.starts[which] + 1)

    def placed(self, problems: Sequence[Problem]) -> list[tuple[Place, Problem]]:
        """Each problem with the place of its line."""
        return [(self.place(problem.line or 1), problem) for problem in problems]


def _files(path: str) -> Iterator[str]:
    if path == STDIN or not Path(path).is_dir():
        yield path
        return
    found = sorted(file for file in Path(path).rglob("*") if file.suffix in SUFFIXES and _is_shown(file, path))
    if not found:
        raise UsageError(f"no {', '.join(SUFFIXES)} file below {path}")
    yield from (str(file) for file in found if not _is_list(file))


def _is_list(file: Path) -> bool:
    """Playbooks often lie beside the resources that name them; a file that begins with a list holds no resource."""
    with file.open("rb") as lines:
        head = (line for line in lines if line.strip() and not line.startswith((b"#", b"---", b"%")))
        return next(head, b"").startswith((b"- ", b"["))


def _is_shown(file: Path, root: str) -> bool:
    """Hidden files and folders are left out, as are those that aren't files."""
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(root).parts)


def read_text(file: str) -> str:
    """A file's text, or what comes on stdin. Raises UsageError."""
    try:
        if file == STDIN:
            return sys.stdin.buffer.read().decode()
        if Path(file).stat().st_size > LARGEST:
            raise UsageError(f"{file} is larger than {LARGEST // 1_000_000} MB")
        return Path(file).read_bytes().decode()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", [_near(file)]) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}") from None


def _near(file: str) -> str:
    """What was probably meant by a path that leads nowhere."""
    from kabanero.model.nearmiss import near_miss

    folder = Path(file).parent
    if not folder.is_dir():
        return f"there is no folder {folder} here, in {Path.cwd()}"
    shown = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    there = sorted(entry.name for entry in shown if entry.suffix in SUFFIXES or entry.is_dir())
    meant = near_miss(Path(file).name, there)
    if meant:
        return f"did you mean {folder / meant}?"
    files = [name for name in there if name.endswith(SUFFIXES)][:LISTED]
    return f"in {folder.resolve()} there are: {', '.join(files)}" if files else f"{folder.resolve()} holds no YAML"
