"""What `graph` draws: strategies from files or from the runner, with what their stages and triggers add; and runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kabanero.cli.catalog import ServedKind
from kabanero.cli.errors import MissingError, RefusedError
from kabanero.cli.explain_run import status_of
from kabanero.cli.findings import show_problems, show_repairs
from kabanero.cli.listing import objects
from kabanero.cli.manifests import Manifest, Reading, read_manifests
from kabanero.cli.output import note
from kabanero.cli.runs import LATEST, find_run, find_strategy
from kabanero.cli.session import Session
from kabanero.cli.text import safe
from kabanero.engine.graph import Graph, graph_of
from kabanero.engine.pinning import pin
from kabanero.model.nearmiss import did_you_mean
from kabanero.model.resource import API_VERSION

Json = dict[str, Any]
TRIGGER = ServedKind(API_VERSION, "StrategyTrigger", "strategytriggers")
_PREFIXES = {"strategyrun": "run", "run": "run", "strategydefinition": "strategy", "strategy": "strategy"}


def from_files(files: Sequence[str], name: str | None) -> list[Graph]:
    """Graphs of the strategies in files, or of the one that is named. Raises MissingError, RefusedError, UsageError."""
    reading = read_manifests(files)
    show_repairs(reading)
    show_problems(reading.problems)
    found = [each for each in reading if each.resource.get("kind") == "StrategyDefinition"]
    names = [_name_of(each.resource) for each in found]
    if not found:
        raise MissingError("there is no StrategyDefinition in it")
    chosen = [each for each in found if name in (None, _name_of(each.resource))]
    if not chosen:
        raise MissingError(f"there is no strategy {safe(name or '')!r} in it", [did_you_mean(name or "", names)])
    _refuse_broken(chosen)
    return [_of_definition(each.resource, _stages_in(reading), _triggers_in(reading)) for each in chosen]


def _refuse_broken(manifests: Iterable[Manifest]) -> None:
    problems = [problem for manifest in manifests for problem in manifest.problems]
    show_problems(problems)
    if problems:
        raise RefusedError(f"{len(problems)} mistakes, see above: mend them first")


def _name_of(resource: Json) -> str:
    metadata = resource.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _stages_in(reading: Reading) -> dict[tuple[str, str], Json]:
    return {(str(each.resource.get("kind")), _name_of(each.resource)): each.resource for each in reading}


def _triggers_in(reading: Reading) -> list[Json]:
    return [each.resource for each in reading if each.resource.get("kind") == TRIGGER.kind and not each.problems]


def from_server(session: Session, name: str) -> Graph:
    """The graph of the strategy of this name, else of the run that is meant. Raises MissingError, UsageError."""
    prefix, slash, rest = name.partition("/")
    what = _PREFIXES.get(prefix.lower(), "") if slash else ""
    name = rest if what else name
    if name in LATEST or what == "run":
        return _of_run(session, find_run(session, name))
    if what == "strategy":
        return _of_strategy(session, find_strategy(session, name))
    try:
        return _of_strategy(session, find_strategy(session, name))
    except MissingError as missing:
        return _of_run(session, _run_or(session, name, missing))


def _run_or(session: Session, name: str, missing: MissingError) -> Json:
    """The run that is meant; where there is none of that name either, both are said."""
    try:
        return find_run(session, name)
    except MissingError as error:
        raise MissingError(f"{missing.message}, and no run", [*missing.hints, *error.hints]) from None


def _of_run(session: Session, run: Json) -> Graph:
    status, name = status_of(run), str(run["metadata"]["name"])
    if status.definition is not None:
        return graph_of(name, status.definition.spec, status=status)
    note(f"run {name} has not begun: this is its strategy")
    return _of_strategy(session, find_strategy(session, str(run["spec"]["strategy"])))


def _of_strategy(session: Session, definition: Json) -> Graph:
    triggers = objects(session, TRIGGER, session.namespace, {"fieldSelector": f"spec.strategy={_name_of(definition)}"})
    return _of_definition(definition, _stages_on_server(session, definition), list(triggers))


def _stages_on_server(session: Session, definition: Json) -> dict[tuple[str, str], Json]:
    """The stages that the strategy refers to; one that is missing inherits nothing, and is told."""
    found: dict[tuple[str, str], Json] = {}
    for binding in definition["spec"].get("stageBindings", ()):
        ref = (str(binding["stageRef"]["kind"]), str(binding["stageRef"]["name"]))
        if ref not in found and (stage := session.catalog.resource(ref[0], session.namespace, ref[1])):
            found[ref] = stage
    return found


def _of_definition(definition: Json, stages: Mapping[tuple[str, str], Json], triggers: Iterable[Json]) -> Graph:
    """Raises InvalidError."""
    name = _name_of(definition)
    first = [emit for trigger in triggers for emit in _emits(trigger, name)]
    return graph_of(name, pin(name, definition, stages).spec, first)


def _emits(trigger: Json, strategy: str) -> list[dict[str, str]]:
    """The first events that a trigger starts a strategy with."""
    spec = trigger.get("spec") or {}
    if spec.get("strategy") != strategy:
        return []
    emits = [rule.get("emit") or {} for rule in spec.get("events") or []]
    return [{key: str(value) for key, value in emit.items()} for emit in emits if emit.get("name")]
