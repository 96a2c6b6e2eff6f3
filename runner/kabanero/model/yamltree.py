"""Reads YAML (and JSON, which is YAML too) into a tree that knows its lines, and explains what is not legal.

`documents` makes resources from the tree, `compat` repairs it first. Built from the parser's events and never by
recursion: depth and aliases are bounded, so hostile text costs no more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.plain import MAX_DEPTH, TOO_DEEP
from kabanero.model.yamlerrors import explained

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_TAGS = {f"{_CORE}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value as it was written. `plain`: without quotes, so that it may mean a number, true or nothing."""

    text: str
    line: int
    plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether it stands for nothing."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(slots=True, eq=False)
class Listing:
    """A list."""

    items: list[Node]
    line: int


@dataclass(slots=True, eq=False)
class Pair:
    """One key and its value."""

    key: Scalar
    value: Node


@dataclass(slots=True, eq=False)
class Table:
    """A map, in the order that it was written in."""

    pairs: list[Pair]
    line: int

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        return next((pair.value for pair in self.pairs if pair.key.text == key), None)

    def text(self, key: str) -> str:
        """The value of a key if it is a single value, else nothing."""
        value = self.get(key)
        return value.text if isinstance(value, Scalar) else ""

    def pop(self, key: str) -> Pair | None:
        """Takes a key out."""
        found = next((pair for pair in self.pairs if pair.key.text == key), None)
        if found:
            self.pairs.remove(found)
        return found

    def put(self, key: str, value: Node) -> None:
        """Sets a key, in its old place or at the end."""
        for pair in self.pairs:
            if pair.key.text == key:
                pair.value = value
                return
        self.pairs.append(Pair(Scalar(key, value.line), value))


Node = Scalar | Listing | Table


class TreeError(InvalidError):
    """The text is no legal YAML; the first problem names line and column. `line` is 1-based."""

    def __init__(self, problem: Problem) -> None:
        super().__init__("the text", [problem])
        self.problem = problem
        self.line = problem.line or 1


def read_trees(text: str) -> list[Node]:
    """All documents of the text; empty ones are left out. Raises TreeError, or InvalidError for repeated keys."""
    builder = _Builder(len(text))
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise TreeError(explained(error, text)) from None
    if builder.problems:
        raise InvalidError("the text", builder.problems)
    return [root for root in builder.roots if not (isinstance(root, Scalar) and root.is_null)]


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet. `key` waits for its value, `seen` are the lines of the keys so far."""

    node: Listing | Table
    key: Scalar | None = None
    seen: dict[str, int] = field(default_factory=dict)
    merged: list[Pair] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    """Puts the parser's events together."""

    size: int
    roots: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    _expanded: int = 0

    def take(self, event: yaml.Event) -> None:
        """Takes in the next event."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._anchored(str(event.anchor), line), line)
        elif isinstance(event, yaml.ScalarEvent):
            self._check_tag(event.tag, line)
            self._begin(Scalar(event.value, line, event.implicit[0]), event.anchor, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check_tag(event.tag, line)
            node = Listing([], line) if isinstance(event, yaml.SequenceStartEvent) else Table([], line)
            self._begin(node, event.anchor, line)
            self._descend(node, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(self._open.pop())

    def _begin(self, node: Node, anchor: str | None, line: int) -> None:
        self._add(node, line)
        if anchor:
            self._anchors[anchor] = (node, line)

    def _descend(self, node: Listing | Table, line: int) -> None:
        self._open.append(_Open(node))
        if len(self._open) > MAX_DEPTH:
            raise TreeError(Problem("", TOO_DEEP, line=line))

    def _add(self, node: Node, line: int) -> None:
        if not self._open:
            self.roots.append(node)
            return
        around = self._open[-1]
        if isinstance(around.node, Listing):
            around.node.items.append(node)
        elif around.key is None:
            around.key = self._key(node, line)
        else:
            self._add_pair(around, around.key, node)
            around.key = None

    def _key(self, node: Node, line: int) -> Scalar:
        if isinstance(node, Scalar):
            return Scalar(node.text, line, node.plain)
        fix = "a value that begins with { or [ must stand in quotes"
        self.problems.append(Problem("", "a key must be text, but here it is a map or list", fix, line))
        return Scalar("", line)

    def _add_pair(self, around: _Open, key: Scalar, value: Node) -> None:
        assert isinstance(around.node, Table)
        if key.text == "<<" and key.plain:
            around.merged.extend(_merge_pairs(value))
        elif key.text in around.seen:
            reason = f'the key "{key.text[:60]}" is there already, on line {around.seen[key.text]}'
            self.problems.append(Problem(key.text[:60], reason, "keep one of them", key.line))
        else:
            around.seen[key.text] = key.line
            around.node.pairs.append(Pair(key, value))

    def _close(self, closed: _Open) -> None:
        if isinstance(closed.node, Table):
            closed.node.pairs.extend(pair for pair in closed.merged if closed.node.get(pair.key.text) is None)

    def _anchored(self, anchor: str, line: int) -> Node:
        found = self._anchors.get(anchor)
        if found is None:
            reason = f"`*{anchor}` refers to an anchor `&{anchor}` that is not there"
            raise TreeError(Problem("", reason, f'for the text itself, write "*{anchor}" in quotes', line))
        if any(found[0] is each.node for each in self._open):
            raise TreeError(Problem("", f"`*{anchor}` lies inside the anchor that it refers to", line=line))
        self._expanded += _size(found[0])
        if self._expanded > self.size + 1000:
            raise TreeError(Problem("", "aliases make far more of this text than there is", "write it out", line))
        return _copy(found[0])

    def _check_tag(self, tag: str | None, line: int) -> None:
        if tag not in (None, "!") and tag not in _TAGS:
            reason = f"the tag {str(tag).replace(_CORE, '!!')[:60]} is not possible here"
            self.problems.append(Problem("", reason, "write plain maps, lists and values", line))


def _merge_pairs(value: Node) -> Iterator[Pair]:
    for table in value.items if isinstance(value, Listing) else [value]:
        if isinstance(table, Table):
            yield from table.pairs


def _size(node: Node) -> int:
    """How many nodes there are; depth is bounded already."""
    if isinstance(node, Scalar):
        return 1
    inner = node.items if isinstance(node, Listing) else [pair.value for pair in node.pairs]
    return 1 + sum(_size(each) for each in inner)


def _copy(node: Node) -> Node:
    """Its own copy, so that a repair of one place does not touch another."""
    if isinstance(node, Scalar):
        return Scalar(node.text, node.line, node.plain)
    if isinstance(node, Listing):
        return Listing([_copy(each) for each in node.items], node.line)
    return Table([Pair(Scalar(p.key.text, p.key.line, p.key.plain), _copy(p.value)) for p in node.pairs], node.line)
