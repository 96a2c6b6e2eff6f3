"""Repairs text that is no legal YAML, line by line and without moving lines. First step of the compatibility loader.

Only where the parser gives up is anything touched, so legal YAML passes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kabanero.model.compat.repairs import Repairs
from kabanero.model.compat.vocabulary import FIELD_WORDS
from kabanero.model.errors import Problem
from kabanero.model.nearmiss import fold
from kabanero.model.yamltree import Node, TreeError, read_trees

_MOST = 200
"""More repairs in one document than this, and it is something else than YAML with slips."""
_MOST_READ = 2_000_000
"""Characters read again and again at most while one document is mended: large texts get fewer tries."""
_STAR = re.compile(r"""^(\s*(?:- +)*(?:[\w.-]+\s*:\s+)?)(\*[^\s"']*)\s*$""")
_LONE_WORD = re.compile(r"^\s*(?:- +)*([A-Za-z][\w-]*)\s*$")
_TWO_WORDS = re.compile(r"^(\s*(?:- +)*)([A-Za-z][\w-]*) +([^\s:#]+)\s*$")
_MARKERS = re.compile(r"^(\s*)((?:- +)*)")

Lines = list[str]
Rule = Callable[[Lines, int, Problem, Repairs], bool]


def repaired_trees(text: str, repairs: Repairs) -> list[Node]:
    """The trees of one document's text, mended as far as needed. Raises InvalidError for what can't be mended."""
    lines = text.split("\n")
    for _ in range(min(_MOST, 2 + _MOST_READ // (len(text) + 1))):
        try:
            return read_trees("\n".join(lines))
        except TreeError as error:
            if not any(rule(lines, error.line - 1, error.problem, repairs) for rule in _RULES):
                raise
    return read_trees("\n".join(lines))


def _quote_star(lines: Lines, at: int, _: Problem, repairs: Repairs) -> bool:
    for index in _around(lines, at, 1):
        if found := _STAR.match(lines[index]):
            lines[index] = f'{found[1]}"{found[2]}"'
            repairs.add(index + 1, f'{found[2]} -> "{found[2]}"', "in YAML a `*` begins an alias; as text it is quoted")
            return True
    return False


def _colon_after_lone_word(lines: Lines, at: int, _: Problem, repairs: Repairs) -> bool:
    for index in _around(lines, at, 3):
        found = _LONE_WORD.match(lines[index])
        if found and fold(found[1]) in FIELD_WORDS and _is_deeper(lines, index):
            lines[index] = f"{lines[index].rstrip()}:"
            repairs.add(index + 1, f"{found[1]} -> {found[1]}:", "what it holds follows on the next lines")
            return True
    return False


def _colon_between_words(lines: Lines, at: int, _: Problem, repairs: Repairs) -> bool:
    for index in _around(lines, at, 2):
        found = _TWO_WORDS.match(lines[index])
        if found and fold(found[2]) in FIELD_WORDS:
            lines[index] = f"{found[1]}{found[2]}: {found[3]}"
            repairs.add(index + 1, f"{found[2]} {found[3]} -> {found[2]}: {found[3]}", "the colon after the field")
            return True
    return False


def _blanks_for_tabs(lines: Lines, at: int, _: Problem, repairs: Repairs) -> bool:
    if at >= len(lines):
        return False
    content = lines[at].lstrip()
    before = lines[at][: len(lines[at]) - len(content)]
    if "\t" not in before:
        return False
    lines[at] = before.replace("\t", "  ") + content
    repairs.add(at + 1, "tabs -> blanks", "tabs can't indent YAML")
    return True


def _indent_as_siblings(lines: Lines, at: int, problem: Problem, repairs: Repairs) -> bool:
    if "fits no map" not in problem.reason or at >= len(lines):
        return False
    here = _indent(lines[at])
    columns = [column for column in _open_columns(lines[:at]) if column != here]
    if not columns:
        return False
    wanted = min(columns, key=lambda column: (abs(column - here), -column))
    for index in _block(lines, at, here):
        lines[index] = " " * max(_indent(lines[index]) + wanted - here, 0) + lines[index].lstrip()
    what = f"{lines[at].strip()} moved from column {here + 1} to {wanted + 1}"
    repairs.add(at + 1, what, "it stands between the columns of the fields around it")
    return True


_RULES: tuple[Rule, ...] = (
    _blanks_for_tabs,
    _quote_star,
    _colon_between_words,
    _colon_after_lone_word,
    _indent_as_siblings,
)


def _around(lines: Lines, at: int, above: int) -> Iterator[int]:
    """The line of the error, then the nearest written ones above it."""
    index = min(at, len(lines) - 1)
    yield index
    for _ in range(above):
        index -= 1
        while index >= 0 and not lines[index].strip():
            index -= 1
        if index < 0:
            return
        yield index


def _is_deeper(lines: Lines, index: int) -> bool:
    after = next((line for line in lines[index + 1 :] if line.strip()), "")
    return _indent(after) > _indent(lines[index])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _open_columns(lines: Lines) -> list[int]:
    """The columns of the maps that are open after these lines."""
    columns: list[int] = []
    for line in lines:
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        blanks, dashes = _MARKERS.match(line).groups()  # type: ignore[union-attr]  # it matches anything
        columns = [column for column in columns if column < len(blanks)]
        columns.append(len(blanks) + len(dashes))
    return columns


def _block(lines: Lines, at: int, indent: int) -> Iterator[int]:
    """The line and all below that belong to it or to its later siblings."""
    for index in range(at, len(lines)):
        if lines[index].strip():
            if _indent(lines[index]) < indent:
                return
            yield index
