"""Loads text in any form that strategies were ever written in: mends the text, then each document, then references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kabanero.model.compat.config import TriggerFile, trigger_file
from kabanero.model.compat.kinds import normalise
from kabanero.model.compat.references import Loading, resolve
from kabanero.model.compat.repairs import Repair, Repairs
from kabanero.model.compat.text import repaired_trees
from kabanero.model.documents import document_of
from kabanero.model.errors import InvalidError, Problem
from kabanero.model.kinds.core import CORE_BY_KIND
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.nearmiss import near_miss
from kabanero.model.resource import API_VERSION, Resource
from kabanero.model.validation import validate
from kabanero.model.yamltree import Listing, Node, Table


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a text holds: resources in the canonical form, every repair that led there, and what nobody can mend.

    `lines` and `problems_of` stand in the order of `resources`. Resources with problems are among them. `unreadable`
    are the problems of text that no resource could be made of.
    """

    source_name: str = ""
    resources: list[Resource] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    unreadable: list[Problem] = field(default_factory=list)
    problems_of: list[list[Problem]] = field(default_factory=list)
    trigger_files: list[TriggerFile] = field(default_factory=list)
    lines: list[Mapping[str, int]] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        """All problems: of text that can't be read, then of each resource."""
        return [*self.unreadable, *(problem for problems in self.problems_of for problem in problems)]


def load(text: str, source_name: str = "", *, custom: Mapping[str, Resource] | None = None) -> Loaded:
    """Reads YAML or JSON. Never raises for what stands in the text; a canonical document has no repairs.

    `source_name` (a file's name) is put before the path of every problem. `custom` are the StageKinds that are there
    already, by the kind that they declare; those of the text count too.
    """
    loaded = Loaded(source_name)
    loadings = [loading for chunk in _chunks(text) for loading in _read(chunk, loaded)]
    declared = _declared(loadings)
    for loading in loadings:
        normalise(loading.table, frozenset({*declared, *(custom or {})}), loading.repairs)
    resolve(loadings)
    for loading in loadings:
        _finish(loading, {**declared, **(custom or {})}, loaded)
    loaded.repairs.sort(key=lambda repair: repair.line)
    return loaded


def _chunks(text: str) -> Iterator[str]:
    """The documents of a stream, each behind as many empty lines as stood before it, so that numbers stay right."""
    start = 0
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    ends = [index for index, line in enumerate(lines) if line == "---" or line.startswith("--- ")]
    for end in [*ends, len(lines)]:
        if any(line.strip() for line in lines[start:end]):
            yield "\n" * start + "\n".join(lines[start:end])
        start = end


def _read(chunk: str, loaded: Loaded) -> list[Loading]:
    repairs = Repairs()
    try:
        roots = repaired_trees(chunk, repairs)
    except InvalidError as error:
        loaded.repairs.extend(repairs.done)
        loaded.unreadable.extend(_named(loaded, error.problems))
        return []
    loadings = [loading for root in roots for loading in _resources(root, repairs, loaded)]
    if loadings:
        loadings[0].repairs.done[:0] = repairs.done
    else:
        loaded.repairs.extend(repairs.done)
    return loadings


def _resources(root: Node, repairs: Repairs, loaded: Loaded) -> Iterator[Loading]:
    if file := trigger_file(root, repairs):
        loaded.trigger_files.append(file)
    elif not isinstance(root, Table):
        what = "a list" if isinstance(root, Listing) else "a single value"
        problem = Problem("", f"a resource must be a map, but this is {what}", line=root.line)
        loaded.unreadable.extend(_named(loaded, [problem]))
    elif root.text("kind").endswith("List") and isinstance(items := root.get("items"), Listing):
        for item in items.items:
            yield from _resources(item, repairs, loaded)
    else:
        yield Loading(root, Repairs())


def _declared(loadings: Sequence[Loading]) -> dict[str, Resource]:
    """The kinds that StageKinds of this text declare."""
    return {each.spec.text("kind"): document_of(each.table).resource for each in loadings if each.kind == "StageKind"}


def _finish(loading: Loading, custom: Mapping[str, Resource], loaded: Loaded) -> None:
    document = document_of(loading.table)
    repairs = [Repair(note.line or 1, f"{note.path} {note.reason}", "it is not in quotes") for note in document.notes]
    loaded.repairs.extend([*loading.repairs.done, *repairs])
    loaded.resources.append(document.resource)
    loaded.lines.append(document.lines)
    known = {**custom, **_presumed(document.resource)}
    loaded.problems_of.append(_named(loaded, document.located(validate(document.resource, custom=known))))


def _presumed(resource: Resource) -> dict[str, Resource]:
    """A kind of our group that nothing known resembles and that has a stage's resources: its StageKind is elsewhere."""
    kind, spec = str(resource.get("kind")), resource.get("spec")
    is_stage = resource.get("apiVersion") == API_VERSION and isinstance(spec, dict) and "resources" in spec
    known = {*BY_KIND, *CORE_BY_KIND}
    return {kind: {}} if is_stage and kind not in known and not near_miss(kind, known) else {}


def _named(loaded: Loaded, problems: Sequence[Problem]) -> list[Problem]:
    if not loaded.source_name:
        return list(problems)
    return [
        replace(each, path=": ".join(part for part in (loaded.source_name, each.path) if part)) for each in problems
    ]
