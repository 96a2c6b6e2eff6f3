"""With which events a run may begin, and what is unclear about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kabanero.engine.beginning import starts_of
from kabanero.engine.emitting import fits
from kabanero.engine.verifying.emissions import Emission
from kabanero.engine.verifying.events import NEVER_EMITTED, dead_end, meaning
from kabanero.engine.verifying.finding import ERROR, WARNING, Finding, in_words
from kabanero.engine.verifying.flow import Alternative, Flow
from kabanero.engine.verifying.meant import Meant
from kabanero.engine.verifying.reach import Reach
from kabanero.model.kinds.strategy import StrategySpec
from kabanero.model.nearmiss import did_you_mean, fold

NO_START = "no-start"
START_UNCLEAR = "start-unclear"
UNUSED_EXTERNAL = "unused-external-event"
Attributes = Mapping[str, str]


def first_events(spec: StrategySpec, emits: Iterable[Attributes] = ()) -> list[Attributes]:
    """Attributes of every event with which a run may begin; `emits` are those that triggers say.

    Where only events with more than a name could start a stage, the first of them is one: a run has to say all of it.
    """
    names = sorted(starts_of(spec) | _awaited_by_first(spec))
    listed: list[Attributes] = [*({"name": name} for name in names), *emits]
    wanted = [each for binding in spec.stage_bindings for trigger in binding.triggers for each in trigger.alternatives]
    by_name: dict[str, list[Attributes]] = {}
    for event in listed:
        by_name.setdefault(event["name"], []).append(event)
    if not any(fits(each, event) for each in wanted for event in by_name.get(each.get("name", ""), ())):
        listed += [each for each in wanted if each.get("name") in names][:1]
    return list({tuple(sorted(event.items())): event for event in listed}.values())


def _awaited_by_first(spec: StrategySpec) -> set[str]:
    return {
        each["name"]
        for binding in spec.stage_bindings
        if binding.stage_name == spec.first_stage
        for trigger in binding.triggers
        for each in trigger.alternatives
        if "name" in each
    }


def start_findings(reach: Reach, meant: Meant, emits: Sequence[Attributes], has_loop: bool) -> Iterator[Finding]:
    """No start, starts that nobody will ever use, starts that need more than a name."""
    if not reach.flow.starts and not has_loop:
        yield _no_start(reach.flow)
    if not emits:
        yield from _more_than_a_name(reach.flow)
    yield from _doubtful(reach, meant, {event["name"] for event in emits})


def _no_start(flow: Flow) -> Finding:
    reason = "no event starts the strategy: every event that its stages wait for is emitted by one of them"
    severity, fix = ERROR, "let the first stage wait for an event that no stage emits, such as Start"
    if flow.spec.external_events:
        severity, reason = WARNING, "no event starts the strategy but external ones: every run has to name one in emit"
        fix = "let the first stage wait for an event that is not in externalEvents"
    return Finding(severity, NO_START, "spec.stageBindings", reason, fix)


def _more_than_a_name(flow: Flow) -> Iterator[Finding]:
    for stage, index, each in _started(flow):
        event = flow.starts[index]
        if set(event) != {"name"}:
            reason = f"only a run whose emit says {in_words(event)} starts stage {flow.names[stage]}"
            fix = "let it wait for the name alone, so that a run can begin without saying more"
            yield Finding(WARNING, START_UNCLEAR, each.place, reason, fix, flow.names[stage])


def _started(flow: Flow) -> Iterator[tuple[int, int, Alternative]]:
    """Every stage that a first event helps to start: the stage, the index of the event, and what it meets."""
    for stage, entries in enumerate(flow.entries):
        for entry in entries:
            for each in entry.alternatives:
                yield from ((stage, source.start, each) for source in each.sources if source.start >= 0)


def _doubtful(reach: Reach, meant: Meant, said: set[str]) -> Iterator[Finding]:
    """Of several events that nobody emits one is the start; the others may be mistakes."""
    flow, candidates = reach.flow, starts_of(reach.flow.spec)
    if len(candidates) < 2:
        return
    waiting = [
        (stage, each)
        for stage, _, each in _started(flow)
        if each.wanted.get("name") in candidates and reach.runs(stage)
    ]
    mistaken = {each.place: _mistaken(reach, meant, stage, each) for stage, each in waiting}
    suspects = {each.wanted["name"] for _, each in waiting if mistaken[each.place]}
    designated = said | (_awaited_by_first(flow.spec) & candidates)
    expected = designated or _likeliest(flow, candidates - suspects or candidates)
    for stage, each in waiting:
        open = any(source.stage >= 0 for source in each.sources)
        if each.wanted["name"] in expected or (open and designated):
            continue
        if emission := mistaken[each.place]:
            yield _misspelt(reach, meant, stage, each, emission)
        else:
            yield _other_start(flow, stage, each, expected)


def _mistaken(reach: Reach, meant: Meant, stage: int, each: Alternative) -> Emission | None:
    """The emitted event that was meant, where the stage depends on it and does not come before it."""
    if not _is_needed(reach.flow, stage, each):
        return None
    _, _, emission = meaning(reach, meant, stage, each.wanted["name"])
    return emission if emission and not _comes_after(reach.flow, stage, emission.stage) else None


def _misspelt(reach: Reach, meant: Meant, stage: int, each: Alternative, emission: Emission) -> Finding:
    name, own = each.wanted["name"], reach.flow.names[stage]
    reason, fix, _ = meaning(reach, meant, stage, name)
    reason = f"stage {own} is never triggered: it waits for {name}, which nothing emits{reason}"
    trail = dead_end(reach, emission, each, stage)
    return Finding(ERROR, NEVER_EMITTED, _name_place(each), reason, fix, own, trail)


def _other_start(flow: Flow, stage: int, each: Alternative, expected: set[str]) -> Finding:
    name, own = each.wanted["name"], flow.names[stage]
    begin = " or ".join(sorted(expected))
    reason = f"no stage emits {name}: only a run that begins with it instead of {begin} gets to {own} by it"
    fix = f"declare {name} in externalEvents if it is sent into runs, or set firstStage where runs should begin"
    if any(source.stage >= 0 for source in each.sources):
        reason = f"a placeholder decides whether {name} is emitted, so a run that names no first event may mean it"
        fix = "set firstStage where runs should begin"
    return Finding(WARNING, START_UNCLEAR, _name_place(each), reason, fix, own)


def _name_place(each: Alternative) -> str:
    return f"{each.place}.name" if each.place.endswith(".match") else each.place


def _is_needed(flow: Flow, stage: int, alternative: Alternative) -> bool:
    """Whether the stage has no other way past the entry."""
    entry = next(entry for entry in flow.entries[stage] if alternative in entry.alternatives)
    return not any(source.stage >= 0 or source.start < 0 for source in entry.sources)


def _comes_after(flow: Flow, stage: int, emitter: int) -> bool:
    """Whether the emitter is started by the stage: then the likeness of names is no mistake (`Build` and `Built`)."""
    return emitter in _reached(flow, {stage})


def _likeliest(flow: Flow, candidates: set[str]) -> set[str]:
    """Of several events that could start the strategy the one that gets to most stages, of equals the first."""
    stages: dict[str, set[int]] = {}
    for stage, index, _ in _started(flow):
        stages.setdefault(flow.starts[index]["name"], set()).add(stage)
    possible = [name for name in stages if name in candidates]
    return {max(possible, key=lambda name: len(_reached(flow, stages[name])))} if possible else candidates


def _reached(flow: Flow, stages: set[int]) -> set[int]:
    seen, todo = set(stages), list(stages)
    while todo:
        for each in flow.after[todo.pop()]:
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return seen


def unused_external(flow: Flow) -> Iterator[Finding]:
    """Declared external events for which no stage waits."""
    for index, name in enumerate(flow.spec.external_events):
        if name not in flow.awaited:
            reason = f"no stage waits for the external event {name}"
            fix = did_you_mean(name, [each for each in flow.awaited if each])
            yield Finding(WARNING, UNUSED_EXTERNAL, f"spec.externalEvents[{index}]", reason, fix)


def unheard(flow: Flow) -> Iterator[Finding]:
    """Events that nobody hears because those who wait spell the name in another way."""
    spellings = {fold(name): name for name in flow.awaited if name}
    for each in flow.emissions:
        meant = spellings.get(fold(each.name))
        if meant and each.stays_inside and meant != each.name and each.name not in flow.awaited:
            reason = f"no stage waits for {each.name}"
            place = flow.place(each.stage, "emit")
            place = f"{place}[{each.entry}].name" if place.endswith(".emit") else place
            yield Finding(WARNING, "unheard", place, reason, f"did you mean {meant}?", flow.names[each.stage])


def first_stage(spec: StrategySpec) -> Iterator[Finding]:
    """A firstStage that is no stage."""
    names = [each.stage_name for each in spec.stage_bindings]
    if spec.first_stage and spec.first_stage not in names:
        reason = f"there is no stage {spec.first_stage}"
        yield Finding(ERROR, "unknown-stage", "spec.firstStage", reason, did_you_mean(spec.first_stage, names))
