"""Events that stages wait for and that never come: misspelt, never emitted, or never with these attributes."""

from __future__ import annotations

from collections.abc import Iterator

from kabanero.engine.emitting import is_open
from kabanero.engine.verifying.emissions import Emission
from kabanero.engine.verifying.finding import ERROR, GAP, WARNING, Finding, Step, Trail, in_short, in_words, shortened
from kabanero.engine.verifying.flow import Alternative
from kabanero.engine.verifying.meant import Meant
from kabanero.engine.verifying.reach import Reach
from kabanero.engine.verifying.trails import steps_to
from kabanero.engine.verifying.worlds import OUTCOMES
from kabanero.model.nearmiss import did_you_mean, near_miss
from kabanero.model.outcomes import STAGE_STATUS

NEVER_EMITTED = "never-emitted"
NEVER_SO = "never-with-attributes"


def missing_events(reach: Reach, meant: Meant) -> Iterator[Finding]:
    """Every alternative that no source can meet. An error where the stage needs it, or where it is a sure mistake."""
    for stage, entries in enumerate(reach.flow.entries):
        for entry in entries:
            needed = not any(each.sources for each in entry.alternatives)
            for each in entry.alternatives:
                if not each.sources:
                    yield _missing(reach, meant, stage, each, needed)


def _missing(reach: Reach, meant: Meant, stage: int, alternative: Alternative, needed: bool) -> Finding:
    name = alternative.wanted.get("name")
    same = [each for each in reach.flow.named(name) if not is_open(each.name)]
    if same:
        return _never_so(reach, stage, alternative, same[0], needed)
    if away := reach.flow.spelt(name or ""):
        return _goes_out(reach, stage, alternative, away[0], needed)
    return _never_emitted(reach, meant, stage, alternative, needed)


def _never_so(reach: Reach, stage: int, alternative: Alternative, emission: Emission, needed: bool) -> Finding:
    attribute, how, fix = _difference(alternative, emission)
    emitter = reach.flow.names[emission.stage]
    reason = f"{_opening(reach, stage, alternative, needed)}, but {emitter} emits {emission.name} {how}"
    place = _place(reach, alternative, attribute)
    trail = dead_end(reach, emission, alternative, stage)
    return Finding(ERROR, NEVER_SO, place, reason, fix, reach.flow.names[stage], trail)


def _difference(alternative: Alternative, emission: Emission) -> tuple[str, str, str]:
    """The first attribute that can't be as it is wanted, how it is instead, and what would mend it."""
    name = next(
        (name for name, value in alternative.wanted.items() if not emission.outcomes_for({name: value})), "status"
    )
    value, pattern = alternative.wanted.get(name, ""), emission.attributes.get(name)
    if pattern is None:
        meant = near_miss(name, emission.attributes)
        pattern = STAGE_STATUS if name == "status" else value
        return name, f"without {name}", f"did you mean {meant}?" if meant else f"emit it with {name}: {pattern}"
    if is_open(pattern):
        return name, f"with a status that is never {value}", did_you_mean(value, OUTCOMES)
    return name, f"with {name} {pattern}", did_you_mean(value, [pattern])


def _goes_out(reach: Reach, stage: int, alternative: Alternative, emission: Emission, needed: bool) -> Finding:
    emitter, topic = reach.flow.names[emission.stage], emission.attributes.get("topic")
    reason = (
        f"{_opening(reach, stage, alternative, needed)}, but {emitter} emits it on topic {topic}, away from the run"
    )
    place, fix = _place(reach, alternative, "name"), f"let {emitter} emit it without a topic as well"
    return Finding(ERROR if needed else WARNING, NEVER_EMITTED, place, reason, fix, reach.flow.names[stage])


def _never_emitted(reach: Reach, meant: Meant, stage: int, alternative: Alternative, needed: bool) -> Finding:
    name, names = alternative.wanted.get("name", ""), reach.flow.names
    opening = f"{_opening(reach, stage, alternative, needed)}, which nothing emits"
    reason, fix, emission = meaning(reach, meant, stage, name)
    trail = dead_end(reach, emission, alternative, stage) if emission else ()
    severity, place = ERROR if needed else WARNING, _place(reach, alternative, "name")
    return Finding(severity, NEVER_EMITTED, place, opening + reason, fix, names[stage], trail)


def meaning(reach: Reach, meant: Meant, stage: int, name: str) -> tuple[str, str, Emission | None]:
    """What was probably meant by an event that nothing emits: the rest of the reason, the fix, and what is emitted."""
    names = reach.flow.names
    if emission := meant.by_spelling(stage, name):
        return f"; {names[emission.stage]} emits {emission.name}", f"did you mean {emission.name}?", emission
    if emission := meant.by_meaning(stage, name):
        emitter, own = names[emission.stage], reach.flow.stages[stage]
        other = "" if _emits(own.emit, emission.name) else f", or let {own.stage_name} wait for {emission.name}"
        reason = f"; {emitter} emits {emission.name}, for which no stage waits"
        return reason, f"let {emitter} emit {name}{other}", emission
    return "", "let a stage emit it, or declare it in externalEvents if it comes from outside", None


def _emits(entries: tuple[dict[str, str], ...], name: str) -> bool:
    return any(entry["name"] == name for entry in entries)


def dead_end(reach: Reach, emission: Emission, alternative: Alternative, stage: int) -> Trail:
    """The path to what is emitted, and the gap between that and what is waited for."""
    before = steps_to(reach, emission.stage) if reach.runs(emission.stage) else []
    end = [GAP, Step("event", (in_short(alternative.wanted),)), Step("stage", (reach.flow.names[stage],))]
    return shortened([*before, Step("event", (emission.name,)), *end])


def _opening(reach: Reach, stage: int, alternative: Alternative, needed: bool) -> str:
    never = "is never triggered: it waits" if needed else "waits"
    return f"stage {reach.flow.names[stage]} {never} for {in_words(alternative.wanted)}"


def _place(reach: Reach, alternative: Alternative, attribute: str) -> str:
    """The attribute's field; where the trigger is the stage's own, the reference to the stage."""
    written = alternative.place.endswith(".match") and attribute in alternative.wanted
    return f"{alternative.place}.{attribute}" if written else alternative.place
