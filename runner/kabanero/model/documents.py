"""Makes resources from YAML or JSON text, each with the line of every field, typed as their kind wants it.

Called by the CLI and by `compat`. A kind's text fields take what is written: `commit: 12345` and `branch: on` are text,
with a note; nothing becomes a date, and yes/no/on/off are truth values only where the kind has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.meta import ObjectMeta
from kabanero.model.kinds.stages import CustomStageSpec
from kabanero.model.resource import Resource
from kabanero.model.shapes import ANY, Shape
from kabanero.model.validation import parts_of
from kabanero.model.wording import field_path, shortened
from kabanero.model.yamltree import Listing, Node, Scalar, Table, TreeError, read_trees

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_LIKE = re.compile(r"[-+]?(0x[0-9a-fA-F_]+|0[ob][0-7_]+|[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)")
_TRUTH = {"true": True, "false": False}
_TRUTH_1_1 = {"yes": True, "no": False, "on": True, "off": False}


@dataclass(frozen=True, slots=True)
class Document:
    """One resource as it was read.

    `lines` gives the 1-based line of every field path as `Problem.path` has it. `notes` are values that are read other
    than they look; they are no errors.
    """

    resource: Resource
    lines: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    def line_of(self, path: str) -> int | None:
        """The line of a field, or of the nearest one around it that was written."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path)

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with their lines."""
        return [problem if problem.line else replace(problem, line=self.line_of(problem.path)) for problem in problems]


def read_documents(text: str) -> list[Document]:
    """All resources of the text, lists flattened. Raises InvalidError with line, reason and likely fix."""
    try:
        roots = read_trees(text)
    except TreeError:
        if (roots_of_json := _json(text)) is None:
            raise
        return roots_of_json
    return [document_of(table) for root in roots for table in _flattened(root)]


def document_of(table: Table) -> Document:
    """One resource from its tree."""
    kind = table.text("kind")
    reader = _Reader()
    resource = reader.table(table, _object_shapes(kind), ANY, "")
    # What a Secret holds is text in any case, and is nobody's to read here.
    return Document(resource, {"": table.line} | reader.lines, () if kind == "Secret" else tuple(reader.notes))


def _flattened(root: Node) -> Iterator[Table]:
    if not isinstance(root, Table):
        what = "a list" if isinstance(root, Listing) else "a single value"
        raise InvalidError("the text", [Problem("", f"a resource must be a map, but this is {what}", line=root.line)])
    items = root.get("items")
    if not (root.text("kind").endswith("List") and isinstance(items, Listing)):
        yield root
        return
    for item in items.items:
        yield from _flattened(item)


def _object_shapes(kind: str) -> dict[str, Shape]:
    shapes = {"metadata": Shape("object", model=ObjectMeta), "apiVersion": Shape("text"), "kind": Shape("text")}
    if kind in CORE_BY_KIND:
        return shapes | Shape("object", model=CORE_BY_KIND[kind].body).fields
    parts = parts_of(kind) or {"spec": CustomStageSpec}
    return shapes | {name: Shape("object", model=model) for name, model in parts.items()}


@dataclass(slots=True)
class _Reader:
    """Turns a tree into plain JSON values, keeping lines and notes. Depth is bounded by the tree."""

    lines: dict[str, int] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)

    def table(self, table: Table, known: Mapping[str, Shape], other: Shape, path: str) -> dict[str, Any]:
        """A map; `other` is the shape of what is not known."""
        result: dict[str, Any] = {}
        for pair in table.pairs:
            place = field_path(path, (pair.key.text,))
            self.lines[place] = pair.key.line
            result[pair.key.text] = self.value(pair.value, known.get(pair.key.text, other), place)
        return result

    def value(self, node: Node, shape: Shape, path: str) -> Any:
        """Any node, read as its shape wants it."""
        if isinstance(node, Table):
            return self.table(node, shape.fields, (shape.item or ANY) if shape.form == "map" else ANY, path)
        if isinstance(node, Listing):
            item = (shape.item or ANY) if shape.form == "list" else ANY
            return [self._item(each, item, f"{path}[{index}]") for index, each in enumerate(node.items)]
        return self._scalar(node, shape, path)

    def _item(self, node: Node, shape: Shape, path: str) -> Any:
        self.lines[path] = node.line
        return self.value(node, shape, path)

    def _scalar(self, node: Scalar, shape: Shape, path: str) -> Any:
        if not node.plain:
            return node.text
        if node.is_null:
            return None
        if shape.form == "text":
            return self._as_text(node, path)
        if shape.form == "truth" and node.text.lower() in _TRUTH_1_1:
            return _TRUTH_1_1[node.text.lower()]
        return self._as_it_looks(node, path)

    def _as_text(self, node: Scalar, path: str) -> str:
        if node.text.lower() in _TRUTH or _NUMBER_LIKE.fullmatch(node.text):
            self._note(node, path, f'is read as the text "{shortened(node.text)}"')
        return node.text

    def _as_it_looks(self, node: Scalar, path: str) -> Any:
        text = node.text
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return _TRUTH[text.lower()]
        if len(text) < 20 and _INT.fullmatch(text):
            return int(text)
        if len(text) < 40 and _FLOAT.fullmatch(text) and abs(number := float(text)) < 1e300:
            if str(number) != text.lstrip("+"):
                self._note(node, path, f"is read as the number {number}")
            return number
        if _NUMBER_LIKE.fullmatch(text) or text.lower() in _TRUTH_1_1:
            self._note(node, path, f'is read as the text "{shortened(text)}"')
        return text

    def _note(self, node: Scalar, path: str, reason: str) -> None:
        self.notes.append(Problem(path, reason, f'to be sure, write it in quotes: "{shortened(node.text)}"', node.line))


def _json(text: str) -> list[Document] | None:
    """JSON that YAML 1.1 does not take (tabs, surrogate pairs), without lines; None when it is no JSON either."""
    if text.lstrip()[:1] != "{":
        return None
    try:
        value = json.loads(text, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError):
        return None
    items = value.get("items") if str(value.get("kind")).endswith("List") else None
    return [Document(item) for item in (items if isinstance(items, list) else [value])]


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        reason = "is there twice in one object"
        raise InvalidError("the text", [Problem(shortened(key), reason, "keep one of them") for key in twice[:20]])
    return result
