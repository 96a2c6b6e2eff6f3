"""The verifier: every mistake of a strategy, and of what starts it, that can be seen before a run stumbles over it.

Pure. Called by the verifier controller for every definition that is applied, and by `kabanero lint` for files. The
verdict that a stage is never triggered is certain, unless somebody retries a stage by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kabanero.engine.pinning import pin
from kabanero.engine.verifying.bindings import Surroundings, stages_and_bindings
from kabanero.engine.verifying.events import missing_events
from kabanero.engine.verifying.finding import ERROR, Finding, Severity, Step, in_order
from kabanero.engine.verifying.flow import Flow
from kabanero.engine.verifying.joins import behind, is_torn, joins, without_trigger
from kabanero.engine.verifying.kubernetes_rules import kubernetes_findings
from kabanero.engine.verifying.loops import dead_loop, dead_ways, live_loops
from kabanero.engine.verifying.meant import Meant
from kabanero.engine.verifying.names import names
from kabanero.engine.verifying.placeholders import placeholders
from kabanero.engine.verifying.reach import Reach
from kabanero.engine.verifying.repository_rules import repository_findings
from kabanero.engine.verifying.starting import emits_of, run_findings, trigger_findings
from kabanero.engine.verifying.starts import first_events, first_stage, start_findings, unheard, unused_external
from kabanero.model.errors import InvalidError
from kabanero.model.kinds.runs import PinnedDefinition
from kabanero.model.resource import Resource

__all__ = ["Finding", "Severity", "Step", "unreachable", "verify", "verify_run", "verify_trigger"]

Stages = Mapping[tuple[str, str], Resource]


def verify(
    definition: Resource,
    stages: Stages,
    *,
    kinds: Mapping[str, Resource] | None = None,
    triggers: Iterable[Resource] = (),
    complete: bool = True,
) -> list[Finding]:
    """All findings about a StrategyDefinition, in the order of its fields.

    `stages` by kind and name, `kinds` the StageKinds by the kind that they declare, `triggers` the StrategyTriggers
    that start this strategy, as far as they are known. `complete`: a stage that is not given is nowhere; else it is
    only a warning.
    """
    pinned = _pinned(definition, stages)
    if isinstance(pinned, InvalidError):
        return [Finding(ERROR, "invalid", _place(each.path), each.reason, each.fix) for each in pinned.problems]
    emits = [emit for trigger in triggers for emit in emits_of(trigger)]
    flow = Flow(pinned.spec, definition["spec"], first_events(pinned.spec, emits))
    found = [
        *names(pinned.spec),
        *first_stage(pinned.spec),
        *stages_and_bindings(pinned.spec, Surroundings(stages, kinds, complete)),
        *placeholders(flow),
        *_about_events(flow, emits),
        *unused_external(flow),
        *unheard(flow),
    ]
    return in_order(found)


def verify_trigger(trigger: Resource, definition: Resource | None, stages: Stages) -> list[Finding]:
    """All findings about a StrategyTrigger, held against the strategy that it starts where there is one."""
    found = [*repository_findings(trigger), *kubernetes_findings(trigger)]
    pinned = _pinned(definition, stages) if definition else None
    if isinstance(pinned, PinnedDefinition):
        found += trigger_findings(trigger, pinned.spec)
    return in_order(found)


def verify_run(run: Resource, definition: Resource | None, stages: Stages) -> list[Finding]:
    """All findings about a StrategyRun that is not started yet."""
    pinned = _pinned(definition, stages) if definition else None
    return in_order(run_findings(run, pinned.spec)) if isinstance(pinned, PinnedDefinition) else []


def unreachable(definition: Resource, stages: Stages) -> list[str]:
    """Names of the stages that never run. Raises InvalidError when the definition breaks its kind's rules."""
    spec = pin("", definition, stages).spec
    flow = Flow(spec, definition["spec"], first_events(spec))
    return [flow.names[stage] for stage in Reach(flow).dead()]


def _place(path: str) -> str:
    """`stageBindings.0.stageRef` as a field path."""
    return re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", f"spec.{path}")


def _pinned(definition: Resource, stages: Stages) -> PinnedDefinition | InvalidError:
    try:
        return pin(definition.get("metadata", {}).get("name", ""), definition, stages)
    except InvalidError as error:
        return error


def _about_events(flow: Flow, emits: Sequence[Mapping[str, str]]) -> Iterator[Finding]:
    reach = Reach(flow)
    meant = Meant(reach)
    roots = {stage for stage in reach.dead() if _is_root(reach, stage)}
    ways = dead_ways(reach, roots)
    yield from without_trigger(reach)
    yield from missing_events(reach, meant)
    yield from joins(reach)
    yield from (dead_loop(reach, way) for way in ways)
    yield from live_loops(reach)
    yield from behind(reach, roots.union(*ways))
    yield from start_findings(reach, meant, emits, has_loop=bool(ways))


def _is_root(reach: Reach, stage: int) -> bool:
    """Whether a stage that can't run has a reason of its own."""
    entries = reach.flow.entries[stage]
    return not entries or any(not [*entry.sources] for entry in entries) or is_torn(reach, stage)
