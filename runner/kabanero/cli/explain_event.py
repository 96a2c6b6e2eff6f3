"""Why an event started what it started: per trigger, what matched or what was in the way. Used by `explain --event`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from kabanero.cli.catalog import quoted
from kabanero.cli.events import PATH, became, full_id
from kabanero.cli.output import print_object, styled
from kabanero.cli.session import Session
from kabanero.cli.text import local_clock, one_line

Json = dict[str, Any]
MOST = 20
ELSEWHERE = 1000


def explain_event(session: Session, id: str, output: str, *, every: bool) -> None:
    """Prints it. Triggers that matched come first, then those that came nearest; `every` shows all."""
    found: Json = session.runner.get(f"{PATH}/{quoted(full_id(session, id))}/explain")
    if output != "table":
        print_object(found, output)
        return
    _print_event(found["event"])
    triggers = sorted(found["triggers"], key=_distance)
    shown = triggers if every else triggers[:MOST]
    for trigger in shown:
        _print_trigger(trigger)
    if not triggers:
        click.echo("There are no triggers: apply one with kabanero apply -f FILE")
    elif len(shown) < len(triggers):
        click.echo(f"… and {len(triggers) - len(shown)} triggers further off (--all shows them)")


def _print_event(event: Json) -> None:
    data = event.get("data") or {}
    name = one_line(data.get("name") or data.get("eventName") or event["type"])
    click.echo(f"{styled(name, bold=True)}  {one_line(event['topic'])}  {local_clock(event.get('time'))}")
    click.echo(f"  {one_line(event['path'])}")
    click.echo(f"  became: {became(event)}\n")


def _distance(trigger: Json) -> tuple[bool, int, str]:
    """Matching triggers first, then by how little is in the way; those that listen elsewhere come last."""
    distances = [_in_the_way(rule["objections"]) for rule in trigger["rules"]] or [0]
    return not trigger["matched"], min(distances), str(trigger["name"])


def _in_the_way(objections: Sequence[str]) -> int:
    return len(objections) + (ELSEWHERE if any(each.startswith("topic is ") for each in objections) else 0)


def _print_trigger(trigger: Json) -> None:
    glyph, colour = ("✔", "green") if trigger["matched"] else ("✘", "red")
    name = f"{one_line(trigger['namespace'])}/{one_line(trigger['name'])}"
    click.echo(f"{styled(glyph, fg=colour)} {styled(name, bold=True)} → strategy {one_line(trigger['strategy'])}")
    if trigger["suspended"]:
        click.echo("    is suspended: it matches nothing until spec.suspended is false")
    rules: Sequence[Json] = trigger["rules"]
    for rule in rules:
        _print_rule(rule, several=len(rules) > 1)


def _print_rule(rule: Json, *, several: bool) -> None:
    prefix = f"events[{rule['rule']}]: " if several else ""
    if rule["matched"]:
        click.echo(f"    {prefix}matches")
    for objection in rule["objections"]:
        click.echo(f"    {prefix}{one_line(objection)}")
