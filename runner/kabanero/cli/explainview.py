"""An explanation of a run as lines for a terminal: what is met, what can still come, what can't. Pure text, no I/O.

Used by `explain RUN`. Nothing of it is printed unsafe: names and messages come from repositories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from kabanero.cli.text import local_clock, one_line, safe, span
from kabanero.cli.treeview import PHASE_STYLES, UNICODE, Alphabet
from kabanero.engine.explanation import ClauseNote, EventNote, MatchNote, RunNote, StageNote, WaitNote
from kabanero.engine.phases import ACTIVE, BAD
from kabanero.model.kinds.runs import RunPhase, WaitsOn

MET, COMING, MISSING, PLAIN = "met", "coming", "missing", ""
_SIGNS = {MET: ("✔", "+", "green"), COMING: ("◷", "~", "yellow"), MISSING: ("✘", "x", "red"), PLAIN: ("·", "-", "")}
_STEP = 4
_LONGEST_VALUE = 200
_DIM = "bright_black"
_BREAKS = re.compile(r"[\r\n\t]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `sign` is one of MET, COMING, MISSING, PLAIN, a phase, or None for no sign at all."""

    indent: int
    text: Text
    sign: str | None = None


def broken(line: Line, width: int, alphabet: Alphabet) -> list[Text]:
    """The line in as many lines as a width needs; what doesn't fit hangs below its text. 0: as long as it is."""
    glyph, style = _sign(line.sign, alphabet)
    lead = Text(" " * line.indent).append(glyph, style=style).append(" " if glyph else "")
    room = max(width - lead.cell_len, 20)
    pieces = line.text.wrap(Console(width=room), room) if width and line.text else [line.text]
    rest = Text(" " * lead.cell_len)
    return [(rest if place else lead) + piece for place, piece in enumerate(pieces)]


def _sign(sign: str | None, alphabet: Alphabet) -> tuple[str, str]:
    if sign is None:
        return "", ""
    if sign in _SIGNS:
        fine, plain, style = _SIGNS[sign]
        return fine if alphabet is UNICODE else plain, style
    return alphabet.glyph(sign, False, None), PHASE_STYLES.get(sign, "")


def _text(*parts: tuple[str, str] | str) -> Text:
    """Parts, each with its style, on one line and safe."""
    text = Text()
    for part in parts:
        words, style = part if isinstance(part, tuple) else (part, "")
        text.append(safe(_BREAKS.sub(" ", words)), style=style)
    return text


class ExplainView:
    """The lines for one run."""

    def __init__(self, run: str, strategy: str, note: RunNote, now: datetime | None = None) -> None:
        self._run, self._strategy, self._note = run, strategy, note
        self._now = now or datetime.now(UTC)

    def whole(self) -> Iterator[Line]:
        """The run and every stage."""
        yield from self._head()
        for stage in self._note.stages:
            yield Line(0, Text())
            yield from self._stage(stage)

    def one_stage(self, stage: StageNote) -> Iterator[Line]:
        """One stage with all that is known of it."""
        yield self._title()
        yield Line(0, Text())
        yield from self._stage(stage)
        yield from self._details(stage)

    # --- the run ---

    def _title(self) -> Line:
        note = self._note
        took = span(note.start_time, note.completion_time, self._now)
        phase = (note.phase.value, PHASE_STYLES.get(note.phase.value, ""))
        tail = "".join(f"  {part}" for part in (took, note.context_id) if part)
        return Line(0, _text((self._run, "bold"), "  ", self._strategy, "  ", phase, tail))

    def _head(self) -> Iterator[Line]:
        yield self._title()
        yield Line(_STEP, _text(self._note.why))
        for wait in self._note.waits:
            yield Line(_STEP, _text("waits for ", (wait.stage, "bold"), ": ", self._wait(wait)), COMING)
        for step in self._note.next:
            yield Line(_STEP, _text("next: ", step), PLAIN)
        yield from self._what_to_do()

    def _wait(self, wait: WaitNote) -> str:
        doing = next((stage.doing for stage in self._note.stages if stage.name == wait.stage), "")
        return wait.text + (f" ({one_line(doing, 120)})" if doing and wait.kind != "Event" else "")

    def _what_to_do(self) -> Iterator[Line]:
        """The commands that lead on from here."""
        asking = [stage.name for stage in self._note.stages if stage.waits_on is WaitsOn.APPROVAL]
        for name in asking:
            yield Line(_STEP, _text((f"kabanero approve {self._run} {_word(name)}", _DIM)), PLAIN)
        bad = [stage for stage in self._note.stages if stage.phase in BAD]
        if self._note.phase is RunPhase.FAILED and bad:
            yield Line(_STEP, _text((f"kabanero logs {self._run} {_word(bad[0].name)}", _DIM)), PLAIN)
            yield Line(_STEP, _text((f"kabanero retry {self._run}", _DIM)), PLAIN)

    # --- a stage ---

    def _stage(self, stage: StageNote) -> Iterator[Line]:
        style = PHASE_STYLES.get(stage.phase.value, "")
        took = span(stage.start_time, stage.completion_time, self._now)
        parts = (local_clock(stage.start_time), took, _attempts(stage))
        tail = "".join(f"  {part}" for part in parts if part)
        yield Line(0, _text((stage.name, "bold"), "  ", (stage.phase.value, style)) + Text(tail), stage.phase.value)
        doing = f" ({one_line(stage.doing, 120)})" if stage.doing else ""
        yield Line(_STEP, _text(stage.why + doing))
        for clause in stage.clauses:
            yield from self._clause(clause)
        for event in stage.emitted:
            yield Line(_STEP, _sent(event), PLAIN)
        for name, value in stage.sets.items():
            yield Line(_STEP, _text("set ", (name, "bold"), " = ", _value(value)), PLAIN)

    def _clause(self, clause: ClauseNote) -> Iterator[Line]:
        if clause.met_by is not None:
            yield Line(_STEP, _text(clause.text, *_met(clause, clause.met_by)), MET)
        elif len(clause.alternatives) == 1:
            yield from _missing(_STEP, clause.alternatives[0])
        else:
            yield Line(_STEP, _text("one of these is enough:"), COMING if clause.possible else MISSING)
            for match in clause.alternatives:
                yield from _missing(2 * _STEP, match)

    def _details(self, stage: StageNote) -> Iterator[Line]:
        """What would be too much for every stage of a run."""
        yield Line(_STEP, _text("stage run ", (stage.stage_run, "bold")), PLAIN)
        if stage.waits_on is not None:
            yield Line(_STEP, _text("waits on ", stage.waits_on.value), PLAIN)
        for name, value in stage.outputs.items():
            yield Line(_STEP, _text("output ", (name, "bold"), " = ", _value(value)), PLAIN)
        for name, link in stage.links.items():
            yield Line(_STEP, _text(f"{name}: ", link), PLAIN)
        for event in stage.emitted:
            yield Line(_STEP, _text(f"event {event.id} at ", local_clock(event.time)), PLAIN)
        if stage.waits_on is WaitsOn.APPROVAL:
            yield Line(_STEP, _text((f"kabanero approve {self._run} {_word(stage.name)}", _DIM)), PLAIN)
        elif stage.phase in BAD or stage.phase in ACTIVE:
            yield Line(_STEP, _text((f"kabanero logs {self._run} {_word(stage.name)}", _DIM)), PLAIN)


def _attempts(stage: StageNote) -> str:
    if stage.attempt <= 1:
        return ""
    interrupted = f", {stage.interruptions} interrupted" if stage.interruptions else ""
    return f"attempt {stage.attempt}{interrupted}"


def _met(clause: ClauseNote, event: EventNote) -> Sequence[tuple[str, str] | str]:
    """By which event, where that isn't said already."""
    which = f" by {event.text}" if event.text != clause.text else ""
    if event.forgotten:
        return (which, "  ", (f"from an earlier attempt of {event.stage or 'its stage'}", _DIM))
    who = f"from {event.stage}" if event.stage else f"from outside{f' ({event.event})' if event.event else ''}"
    attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return (f"{which} " if which else " ", (f" {local_clock(event.time)} ", _DIM), (f" {who}{attempt}", _DIM))


def _missing(indent: int, match: MatchNote) -> Iterator[Line]:
    yield Line(indent, _text(match.text), COMING if match.possible else MISSING)
    for obstacle in match.obstacles:
        yield Line(indent + _STEP, _text(obstacle.text), COMING if obstacle.possible else PLAIN)


def _sent(event: EventNote) -> Text:
    led = f"triggered {', '.join(event.triggered)}" if event.triggered else "triggered nothing"
    return _text("sent ", event.text, (f"  {local_clock(event.time)}  {led}", _DIM))


def _value(value: Any) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text, _LONGEST_VALUE)


def _word(name: str) -> str:
    """A stage's name as one word for a shell."""
    import shlex

    return shlex.quote(name)
