"""What a trigger's rule names: attributes, and what they may be. Used by all that check rules of one topic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{\s*event\.([^.\[\]{}$\s]+)")
_JSON_ROOT = re.compile(r"\$\.([A-Za-z_]\w*)")
Rule = Mapping[str, Any]


def said_of(rule: Rule, attribute: str) -> Sequence[str]:
    """What the rule says an attribute may be; empty when it doesn't."""
    if attribute in (match := rule.get("match") or {}):
        return (match[attribute],)
    allowed = [each.get("allowed") for each in rule.get("filter") or () if each.get("attribute") == attribute]
    return next((each for each in allowed if each), ())


def named_in(rule: Rule, place: str) -> Iterator[tuple[str, str]]:
    """Every attribute that the rule names, with the place where it does."""
    yield from ((f"{place}.match.{name}", name) for name in rule.get("match") or ())
    for index, each in enumerate(rule.get("filter") or ()):
        where = f"{place}.filter[{index}]"
        if each.get("attribute"):
            yield f"{where}.attribute", each["attribute"]
        if found := _JSON_ROOT.match(each.get("jsonPath") or ""):
            yield f"{where}.jsonPath", found[1]
    for index, each in enumerate(rule.get("variableBindings") or ()):
        for field, value in each.items():
            for name in _PLACEHOLDER.findall(value) if isinstance(value, str) else ():
                yield f"{place}.variableBindings[{index}].{field}", name
