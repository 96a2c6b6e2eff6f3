"""Writes what is generated from the kinds: `docs/reference/kinds.md`, and CRDs and rights below `config/`.

Called by `make docs`.

    python -m kabanero.model.reference ROOT

ROOT is the project's folder, the current one when left out. A test checks that the written files are current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kabanero.model import rbac
from kabanero.model.kinds.examples import EXAMPLES
from kabanero.model.kinds.registry import INTERNAL_KINDS, KINDS, Kind
from kabanero.model.resource import Resource
from kabanero.model.schemas import PRESERVE, crd
from kabanero.model.shapes import Shape, info_of

_HEAD = """# Kinds of `kabanero.io/v1alpha1`

<!-- Made by `make docs` from runner/kabanero/model/kinds. Edit the descriptions there. -->

Names in the tables are field paths; `[]` stands for every entry of a list, `*` for any key. **Bold** fields are
required. `kubectl explain` shows the same texts.
"""
_FORMS = {"text": "text", "number": "number", "whole": "whole number", "truth": "true or false", "any": "anything"}


def generated() -> dict[str, str]:
    """The text of every generated file by its path in the project."""
    files = {f"config/crds/{kind.type.plural}.yaml": _crd_text(kind) for kind in (*KINDS, *INTERNAL_KINDS)}
    rights = {f"config/rbac/{name}": _rights_text(*each) for name, each in rbac.files().items()}
    return files | rights | {"docs/reference/kinds.md": kinds_page()}


def kinds_page() -> str:
    """The reference of all kinds as Markdown."""
    contents = "\n".join(f"- [{kind.type.kind}](#{kind.type.kind.lower()}): {kind.description}" for kind in KINDS)
    return "\n".join([_HEAD, contents, "", *(_section(kind) for kind in KINDS)])


def _section(kind: Kind) -> str:
    names = ", ".join(f"`{name}`" for name in (kind.type.plural, *kind.type.short_names))
    example = f"```yaml\n{EXAMPLES[kind.type.kind]}```\n"
    tables = [_table("spec", kind.spec), _table("status", kind.status)]
    return "\n".join([f"## {kind.type.kind}\n", f"{kind.description} For `kubectl`: {names}.\n", example, *tables])


def _table(part: str, model: type[BaseModel]) -> str:
    rows = [_row(path, shape, info) for path, shape, info in _fields(part, Shape("object", model=model))]
    return "\n".join(["| Field | Type | Meaning |", "| --- | --- | --- |", *rows, ""])


def _fields(path: str, shape: Shape) -> Iterator[tuple[str, Shape, FieldInfo]]:
    """All fields below a shape, outermost first. What a schema leaves open is not gone into."""
    if shape.model is not None:
        for name, inner in shape.fields.items():
            info = info_of(shape.model, name)
            yield f"{path}.{name}", inner, info
            if not _is_left_open(info):
                yield from _fields(f"{path}.{name}", inner)
    elif shape.item is not None:
        yield from _fields(f"{path}[]" if shape.form == "list" else f"{path}.*", shape.item)


def _is_left_open(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get(PRESERVE))


def _row(path: str, shape: Shape, info: FieldInfo) -> str:
    name = f"**`{path}`**" if info.is_required() else f"`{path}`"
    return f"| {name} | {_type(shape)} | {info.description or ''}{_default(info)} |".replace("\n", " ")


def _type(shape: Shape) -> str:
    if shape.choices:
        return " or ".join(f"`{choice}`" for choice in shape.choices)
    if shape.form == "list":
        return f"list of {_type(shape.item or Shape('any'))}"
    if shape.form == "map":
        return f"map of {_type(shape.item or Shape('any'))}"
    return "object" if shape.form == "object" else _FORMS[shape.form]


def _default(info: FieldInfo) -> str:
    value = info.default
    if info.is_required() or info.default_factory is not None or value in (None, "", (), {}):
        return ""
    return f" Default: `{str(value).lower() if isinstance(value, bool) else value}`."


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _crd_text(kind: Kind) -> str:
    head = "# Made by `make docs` from runner/kabanero/model/kinds.\n"
    return head + yaml.dump(crd(kind), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _rights_text(purpose: str, resources: list[Resource]) -> str:
    """One document, as ansible-test wants the files of a collection; kubectl applies each item of a List."""
    whole = {"apiVersion": "v1", "kind": "List", "items": resources}
    head = f"# {purpose}\n# Made by `make docs` from runner/kabanero/model/rbac.py.\n"
    return head + yaml.dump(whole, Dumper=_Dumper, sort_keys=False, width=110)


def main(root: str = ".") -> None:
    """Writes all generated files below `root`."""
    for path, text in generated().items():
        target = Path(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
