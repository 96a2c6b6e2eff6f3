"""`kabanero delete`: resources by kind and name, by label, or by the files that they came from."""

from __future__ import annotations

from typing import Any

import click

from kabanero.cli import completing
from kabanero.cli.answers import AnswerError
from kabanero.cli.errors import ExitCode, UsageError
from kabanero.cli.output import note
from kabanero.cli.resources import Listed
from kabanero.cli.session import Session, connected
from kabanero.cli.text import safe

Json = dict[str, Any]


@click.command()
@click.argument("kind", required=False, shell_complete=completing.kinds)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completing.names)
@click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="Delete what stands in this file or folder."
)
@click.option("-l", "--selector", metavar="LABELS", default="", help="Delete those with these labels.")
@click.option("--all", "every", is_flag=True, help="Delete all of this kind in the namespace.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@connected
def delete(
    session: Session,
    kind: str | None,
    names: tuple[str, ...],
    files: tuple[str, ...],
    selector: str,
    every: bool,
    ignore_not_found: bool,
    dry_run: bool,
) -> int:
    """Delete resources. Deleting a run cancels its work and deletes its stages.

    \b
      kabanero delete run main-7f3a
      kabanero delete -f strategy.yaml
    """
    targets = _of_files(session, files) if files else _of_kind(session, kind, names, selector, every)
    missing = [target for target in targets if not _delete(session, *target, dry_run, ignore_not_found)]
    return ExitCode.NOT_FOUND if missing else ExitCode.OK


Target = tuple[Listed, str]


def _of_kind(session: Session, kind: str | None, names: tuple[str, ...], selector: str, every: bool) -> list[Target]:
    if not kind:
        raise UsageError("say what to delete: KIND NAME, or -f FILE")
    if not (names or selector or every):
        raise UsageError("say which: NAME, -l LABELS or --all")
    listed = Listed(session, session.catalog.find(kind), session.namespace)
    listed.narrow(selector, "", names)
    chosen = listed.names or [str(item["metadata"]["name"]) for item in listed.objects()["items"]]
    return [(listed, name) for name in chosen]


def _of_files(session: Session, files: tuple[str, ...]) -> list[Target]:
    from kabanero.cli.manifests import read_manifests

    targets = []
    for manifest in read_manifests(files):
        resource = manifest.resource
        kind = session.catalog.of(str(resource["apiVersion"]), str(resource["kind"]))
        namespace = str((resource.get("metadata") or {}).get("namespace") or session.namespace)
        targets.append((Listed(session, kind, namespace), str(resource["metadata"]["name"])))
    return targets


def _delete(session: Session, listed: Listed, name: str, dry_run: bool, ignore: bool) -> bool:
    query = {"propagationPolicy": "Background"} | ({"dryRun": "All"} if dry_run else {})
    what = f"{listed.kind.singular or listed.kind.plural}/{safe(name)}"
    try:
        session.client.delete(listed.kind.path(listed.namespace, name), query)
    except AnswerError as error:
        if error.status != 404:
            raise
        return ignore or _missed(listed, name)
    click.echo(f"{what} deleted" + (" (dry run)" if dry_run else ""))
    return True


def _missed(listed: Listed, name: str) -> bool:
    error = listed.missing(name)
    note("\n  ".join([f"error: {error.message}", *error.hints]))
    return False
