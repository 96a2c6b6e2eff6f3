"""Query strings: filters by field and lookup, `or__` and `not__`, order, and pages of at most 200."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.support.awx.answers import RefusalError, forbidden, unparsable
from tests.support.awx.kinds import Kind
from tests.support.awx.tables import Row

RESERVED = {"page", "page_size", "format", "order", "order_by", "search", "count_disabled", "no_truncate", "limit"}
NOT_SEARCHABLE = {"extra_vars", "webhook_key", "inputs"}
LARGEST_PAGE = 200
LOOKUPS = {
    "exact": lambda value, wanted: value == wanted,
    "iexact": lambda value, wanted: str(value).lower() == str(wanted).lower(),
    "contains": lambda value, wanted: str(wanted) in str(value),
    "icontains": lambda value, wanted: str(wanted).lower() in str(value).lower(),
    "startswith": lambda value, wanted: str(value).startswith(str(wanted)),
    "endswith": lambda value, wanted: str(value).endswith(str(wanted)),
    "regex": lambda value, wanted: re.search(str(wanted), str(value)) is not None,
    "gt": lambda value, wanted: value is not None and value > wanted,
    "gte": lambda value, wanted: value is not None and value >= wanted,
    "lt": lambda value, wanted: value is not None and value < wanted,
    "lte": lambda value, wanted: value is not None and value <= wanted,
    "in": lambda value, wanted: value in wanted,
    "isnull": lambda value, wanted: (value is None) is wanted,
}
Found = list[tuple[Kind, Row]]
Named = Callable[[str, Any], str]


def selected(found: Found, query: list[tuple[str, str]], more: dict[str, set[str]], named: Named) -> Found:
    """What the query's filters leave.

    `more` are fields that only some kinds of a unified list have; `named` gives the name of a related row.
    """
    every, some = [], []
    for name, value in query:
        if name in RESERVED:
            continue
        (some if name.startswith("or__") else every).append((name.removeprefix("or__"), value))
    wanted = [each for each in found if all(_matches(each, name, value, more, named) for name, value in every)]
    return [
        each for each in wanted if not some or any(_matches(each, name, value, more, named) for name, value in some)
    ]


def _matches(each: tuple[Kind, Row], name: str, value: str, more: dict[str, set[str]], named: Named) -> bool:
    kind, row = each
    negated, name = name.startswith("not__"), name.removeprefix("not__")
    if name.endswith("__name") and name.removesuffix("__name") in kind.related:
        field = name.removesuffix("__name")
        return (named(kind.related[field], row[field]) == value) is not negated
    path, _, lookup = name.rpartition("__")
    if not path or lookup not in LOOKUPS:
        path, lookup = name, "exact"
    if path in NOT_SEARCHABLE:
        raise forbidden(f"Filtering on {path} is not allowed.")
    if path == "type":
        return (kind.type in value.split(",")) is not negated
    if path not in row and path not in more.get("*", set()):
        model = "".join(word.capitalize() for word in kind.type.split("_"))
        raise unparsable(f"{model} has no field named '{path}'")
    return LOOKUPS[lookup](row.get(path), _typed(kind, path, lookup, value)) is not negated


def _typed(kind: Kind, path: str, lookup: str, value: str) -> Any:
    if lookup == "isnull":
        return value.lower() in ("true", "1")
    if lookup == "in":
        return [_typed(kind, path, "exact", each) for each in value.split(",")]
    default = kind.fields.get(path)
    if isinstance(default, bool):
        return value.lower() in ("true", "1")
    if path == "id" or path in kind.related or (isinstance(default, int | float) and default is not None):
        if value.lower() in ("none", "null"):
            return None
        try:
            return float(value) if isinstance(default, float) else int(value)
        except ValueError:
            raise unparsable(f"Field '{path}' expected a number but got '{value}'.") from None
    return value


def ordered(found: Found, by: str) -> Found:
    for name in reversed([part for part in by.split(",") if part]):
        field = name.lstrip("-")
        found = sorted(found, key=lambda each: (each[1].get(field) is None, each[1].get(field)), reverse=name[0] == "-")
    return found


def page(items: list[Any], path: str, query: list[tuple[str, str]]) -> Row:
    """`count`, `next`, `previous` and `results`."""
    asked = dict(query)
    try:
        number, size = int(asked.get("page", 1)), min(int(asked.get("page_size", 25)), LARGEST_PAGE)
    except ValueError:
        raise RefusalError(404, {"detail": "Invalid page."}) from None
    last = max(1, math.ceil(len(items) / max(size, 1)))
    if not 1 <= number <= last:
        raise RefusalError(404, {"detail": "Invalid page."})

    def link(to: int) -> str:
        return f"{path}?{urlencode([*((name, value) for name, value in query if name != 'page'), ('page', to)])}"

    return {
        "count": len(items),
        "next": link(number + 1) if number < last else None,
        "previous": link(number - 1) if number > 1 else None,
        "results": items[(number - 1) * size : number * size],
    }
