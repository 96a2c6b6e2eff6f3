"""The variables of the roles that put a runner on a cluster, as Markdown: docs/reference/install.md, by `make docs`.

What is said of them comes from each role's argument_specs.yml, which Ansible itself holds values against.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parent.parent / "roles"
HEAD = """# Variables of the roles install and configure

<!-- Made by `make docs` from roles/*/meta/argument_specs.yml. Edit the descriptions there. -->

[How to install](../how-to/install.md) shows them in use; `ansible-doc --type role kabanero.events.install` shows
the same texts. `[]` stands for every entry of a list. **Bold** ones are required.
"""
_MARK = re.compile(r"\b(?:C|V|O)\(([^)]*)\)")
_TYPES = {"str": "text", "int": "whole number", "bool": "true or false", "dict": "map", "list": "list"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *map(_section, ("install", "configure"))])


def _section(role: str) -> str:
    specs = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    main = specs["argument_specs"]["main"]
    rows = [_row(*each) for each in _options("", main["options"])]
    table = ["| Variable | Type | Default | Meaning |", "|---|---|---|---|", *rows]
    return "\n".join([f"## {role}\n", _text(main["description"]), "", *table, ""])


def _options(path: str, options: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in options.items():
        yield path + name, option
        yield from _options(f"{path}{name}[].", option.get("options", {}))


def _row(path: str, option: dict[str, Any]) -> str:
    name = f"**`{path}`**" if option.get("required") else f"`{path}`"
    default = f"`{json.dumps(option['default'])}`" if option.get("default") not in (None, "", [], {}) else ""
    return f"| {name} | {_type(option)} | {default} | {_text(option['description'])} |"


def _type(option: dict[str, Any]) -> str:
    if choices := option.get("choices"):
        return " or ".join(f"`{choice}`" for choice in choices)
    kind = _TYPES[option.get("type", "str")]
    return f"list of {_TYPES[option.get('elements', 'str')]}s".replace("texts", "text") if kind == "list" else kind


def _text(description: str | list[str]) -> str:
    sentences = [description] if isinstance(description, str) else description
    return _MARK.sub(r"`\1`", " ".join(sentences)).replace("|", "\\|")
