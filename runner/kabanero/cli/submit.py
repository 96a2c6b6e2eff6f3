"""`kabanero submit`: starts a strategy by hand, which is to make a StrategyRun."""

from __future__ import annotations

from typing import Any

import click

from kabanero.cli import completing
from kabanero.cli.catalog import STRATEGY_RUN
from kabanero.cli.errors import UsageError
from kabanero.cli.output import note, output_option, print_object, tell
from kabanero.cli.runs import find_strategy
from kabanero.cli.session import Session, connected
from kabanero.cli.text import one_line, safe
from kabanero.cli.variables import how_to_give, merged, read_values
from kabanero.model.resource import API_VERSION

Json = dict[str, Any]


@click.command()
@click.argument("strategy", shell_complete=completing.strategies)
@click.option("--var", "values", multiple=True, metavar="NAME=VALUE", help="Value of a variable, or NAME.FIELD=VALUE.")
@click.option("-f", "--filename", "file", metavar="FILE", help="YAML of values by variable, or a StrategyRun.")
@click.option("--emit", metavar="EVENT", default="", help="First event; needed when the strategy has several.")
@click.option("--name", metavar="NAME", default="", help="Name of the run; else one is made.")
@click.option("-w", "--watch", is_flag=True, help="Then watch it to its end.")
@click.option("--wait", is_flag=True, help="The same, for scripts: one line for each change.")
@click.option("--timeout", type=float, default=0, metavar="SECONDS", help="Longest wait; 0: none.")
@click.option("--dry-run", is_flag=True, help="Let the runner check it and show it; nothing starts.")
@output_option("name", "json", "yaml")
@connected
def submit(
    session: Session,
    strategy: str,
    values: tuple[str, ...],
    file: str | None,
    emit: str,
    name: str,
    watch: bool,
    wait: bool,
    timeout: float,
    dry_run: bool,
    output: str,
) -> int | None:
    """Start STRATEGY by hand.

    Values are text unless the strategy says that a variable is a number, boolean, object or list; then they are read
    as JSON.

    \b
      kabanero submit main --var src_repo.location=https://github.com/acme/shop \\
        --var src_repo.branch=main --var approver_emails=champ@example.com --watch
    """
    definition = find_strategy(session, strategy)
    _warn_of_mistakes(definition)
    spec = _spec(definition, read_values(file), values, emit)
    made = _create(session, definition, spec, name, dry_run)
    _tell(made, output, dry_run, watch or wait)
    if dry_run or not (watch or wait):
        return None
    return _follow(session, made["metadata"]["name"], timeout, "lines" if wait else "table")


def _warn_of_mistakes(definition: Json) -> None:
    """A strategy with mistakes can be started all the same: not every run comes to where they are."""
    status = definition.get("status") or {}
    ready: Json = next((each for each in status.get("conditions") or [] if each.get("type") == "Ready"), {})
    current = status.get("observedGeneration") == definition["metadata"].get("generation")
    if ready.get("status") == "False" and current:
        name, why = safe(definition["metadata"]["name"]), one_line(ready.get("message") or "it is not ready")
        tell("warning", f"strategy {name} has mistakes: {why}", err=True)
        note(f"  all of them: kabanero get strategy {name} -o yaml")


def _spec(definition: Json, base: Json, values: tuple[str, ...], emit: str) -> Json:
    name = str(definition["metadata"]["name"])
    if base.get("strategy", name) != name:
        raise UsageError(f"the file is a run of strategy {safe(base['strategy'])}, not of {name}")
    spec = {**base, "strategy": name}
    declared = definition["spec"].get("strategyVariables") or []
    variables = merged(base.get("variables") or [], values, declared)
    _check_required(declared, variables)
    if variables:
        spec["variables"] = variables
    if emit:
        spec["emit"] = {**(base.get("emit") or {}), "name": emit}
    return spec


def _check_required(declared: list[Json], given: list[Json]) -> None:
    """The run would end at once for want of them; here they can still be given."""
    named = {each.get("name") for each in given}
    missing = [each for each in declared if each.get("required") and each.get("default") is None]
    missing = [each for each in missing if each["name"] not in named]
    if missing:
        names = ", ".join(str(each["name"]) for each in missing)
        raise UsageError(f"the strategy needs a value for {safe(names)}", [how_to_give(each) for each in missing])


def _create(session: Session, definition: Json, spec: Json, name: str, dry_run: bool) -> Json:
    metadata = {"namespace": session.namespace}
    metadata |= {"name": name} if name else {"generateName": f"{definition['metadata']['name']}-"}
    run = {"apiVersion": API_VERSION, "kind": STRATEGY_RUN.kind, "metadata": metadata, "spec": spec}
    query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
    made: Json = session.client.create(STRATEGY_RUN.path(session.namespace), run, query)
    return made


def _tell(made: Json, output: str, dry_run: bool, watched: bool) -> None:
    name = safe(made["metadata"]["name"])
    if output in ("json", "yaml"):
        print_object(made, output)
    elif output == "name":
        click.echo(f"strategyrun/{name}")
    else:
        click.echo(f"run {name} " + ("would be created (dry run)" if dry_run else "created"))
        if not (watched or dry_run):
            note(f"watch it with: kabanero watch {name}")


def _follow(session: Session, name: str, timeout: float, output: str) -> int:
    from kabanero.cli.watch import watch_to_end

    return watch_to_end(session, name, timeout, output)
