"""`kabanero get`: the server's own table, or the objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from kabanero.cli import completing
from kabanero.cli.catalog import ServedKind
from kabanero.cli.errors import UsageError
from kabanero.cli.output import note, output_option, print_object, print_table, styled
from kabanero.cli.resources import Listed
from kabanero.cli.session import Session, connected
from kabanero.cli.text import one_line, safe

Json = dict[str, Any]


@click.command()
@click.argument("kind", shell_complete=completing.kinds)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completing.names)
@click.option("-A", "--all-namespaces", is_flag=True, help="From every namespace.")
@click.option("-l", "--selector", metavar="LABELS", default="", help="Only those with these labels: key=value,...")
@click.option(
    "--field-selector", metavar="FIELDS", default="", help="Only those with these fields: status.phase=Failed"
)
@click.option("-w", "--watch", is_flag=True, help="Then go on with every change, until Ctrl-C.")
@output_option()
@connected
def get(
    session: Session,
    kind: str,
    names: tuple[str, ...],
    all_namespaces: bool,
    selector: str,
    field_selector: str,
    watch: bool,
    output: str,
) -> None:
    """List resources of a KIND, or show those of the given names.

    KIND may be singular, plural or short: strategy, trigger, run, sr (StageRun), ...; several with commas, or all.

    \b
      kabanero get runs
      kabanero get strategies,triggers
      kabanero get run by-hand -o yaml
      kabanero get sr -l kabanero.io/strategy-run=by-hand --watch
    """
    places = [Listed(session, found, "" if all_namespaces else session.namespace) for found in _kinds(session, kind)]
    if len(places) > 1 and (names or watch):
        raise UsageError("a NAME or --watch takes one KIND")
    for listed in places:
        listed.narrow(selector, field_selector, names)
    if output in ("table", "wide"):
        _all_tables(places, wide=output == "wide", watch=watch)
    elif len(places) > 1:
        _many_objects(places, output)
    else:
        _objects(places[0], output, watch=watch)


def _kinds(session: Session, words: str) -> Sequence[ServedKind]:
    if words in ("all", "kabanero"):
        return session.catalog.own
    return list(dict.fromkeys(session.catalog.find(word) for word in words.split(",") if word))


def _all_tables(places: Sequence[Listed], *, wide: bool, watch: bool) -> None:
    if len(places) == 1:
        _tables(places[0], wide=wide, watch=watch)
        return
    filled = [listed for listed in places if listed.table()["rows"]]
    for number, listed in enumerate(filled):
        click.echo(("\n" if number else "") + styled(listed.kind.kind, bold=True))
        _tables(listed, wide=wide, watch=False)


def _many_objects(places: Sequence[Listed], output: str) -> None:
    if output == "name":
        for listed in places:
            _print_names(listed, listed.objects()["items"])
        return
    items = [item for listed in places for item in listed.objects()["items"]]
    print_object({"apiVersion": "v1", "kind": "List", "items": items}, output)


def _tables(listed: Listed, *, wide: bool, watch: bool) -> None:
    table = listed.table()
    columns = [n for n, column in enumerate(table["columnDefinitions"]) if wide or not column.get("priority")]
    headers = [table["columnDefinitions"][n]["name"] for n in columns]
    rows = [_cells(listed, row, columns) for row in table["rows"]]
    headers = ["Namespace", *headers] if listed.everywhere else headers
    if rows or watch:
        print_table(headers, rows)
    else:
        note(f"no {listed.kind.plural} {_where(listed)}")
    if watch:
        _watch_rows(listed.table_changes(table), listed, columns)


def _cells(listed: Listed, row: Json, columns: Sequence[int]) -> list[str]:
    cells = ["" if row["cells"][n] is None else str(row["cells"][n]) for n in columns]
    return [row["object"]["metadata"].get("namespace", ""), *cells] if listed.everywhere else cells


def _watch_rows(changes: Iterator[Json], listed: Listed, columns: Sequence[int]) -> None:
    for change in changes:
        for row in change["object"].get("rows") or []:
            cells = _cells(listed, row, columns)
            gone = ["(deleted)"] if change["type"] == "DELETED" else []
            click.echo("   ".join(one_line(cell) for cell in (*cells, *gone)))


def _where(listed: Listed) -> str:
    return "in any namespace" if not listed.namespace else f"in namespace {safe(listed.namespace)}"


def _objects(listed: Listed, output: str, *, watch: bool) -> None:
    found = listed.objects()
    if output == "name":
        _print_names(listed, found["items"])
    else:
        print_object(found["items"][0] if listed.single else found, output)
    if watch:
        for change in listed.object_changes(found):
            _print_change(listed, change, output)


def _print_names(listed: Listed, items: Sequence[Json]) -> None:
    for item in items:
        click.echo(f"{listed.kind.singular or listed.kind.plural}/{safe(item['metadata']['name'])}")


def _print_change(listed: Listed, change: Json, output: str) -> None:
    if output == "name":
        _print_names(listed, [change["object"]])
        return
    if output == "yaml":
        click.echo("---")
    print_object(change, output)
