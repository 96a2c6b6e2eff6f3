"""Outside data for a playbook, marked so that Ansible never takes it for a template.

`!unsafe` in YAML; in the JSON of an extra-vars file it is `{"__ansible_unsafe": text}`.
"""

from __future__ import annotations

import re
from typing import Any

MARK = "__ansible_unsafe"
_OPENING = re.compile(r"\{(?=[{%#])")


def unsafe(value: Any) -> Any:
    """The value with every text in it marked; keys that could be taken for templates are taken apart."""
    if isinstance(value, str):
        return {MARK: value}
    if isinstance(value, dict):
        return {harmless(str(key)): unsafe(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [unsafe(each) for each in value]
    return value


def harmless(key: str) -> str:
    """A key can't be marked: one that opens a template, or looks like a mark, gets a space that breaks it."""
    key = _OPENING.sub("{ ", key)
    return f" {key}" if key.startswith("__ansible_") else key
