"""`kabanero apply`: makes what stands in files true on the server, one resource after the other, whatever fails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from kabanero.cli.answers import AnswerError
from kabanero.cli.catalog import ServedKind
from kabanero.cli.errors import CliError, ExitCode, MissingError, RefusedError, UsageError
from kabanero.cli.findings import show_problems, show_repairs
from kabanero.cli.manifests import Manifest, Reading, read_manifests
from kabanero.cli.output import note, output_option, print_object, styled, tell
from kabanero.cli.session import Session, connected
from kabanero.cli.text import safe
from kabanero.model.resource import API_VERSION

Json = dict[str, Any]
ORDER = ("Namespace", "Secret", "ConfigMap", "StageKind")
LAST = ("StrategyDefinition", "StrategyTrigger", "StrategyRun", "StageRun", "StrategyEvent")
VERIFIED = ("StrategyDefinition", "StrategyTrigger")
ATTEMPTS = 5
KIND_SECONDS = 3.0
"""How long a kind that a StageKind has just declared may take until it is served."""
_COLOURS = {"created": "green", "configured": "yellow", "unchanged": "bright_black", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one resource: created, configured, unchanged or failed."""

    name: str
    result: str
    error: str = ""


@click.command()
@click.argument("paths", metavar="[FILE]...", nargs=-1)
@click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="File, folder or - for stdin; repeatable."
)
@click.option("--dry-run", is_flag=True, help="Let the runner check everything; nothing is changed.")
@click.option("-q", "--quiet", is_flag=True, help="Don't tell of repairs.")
@output_option("json", "yaml")
@connected
def apply(
    session: Session, paths: tuple[str, ...], files: tuple[str, ...], dry_run: bool, quiet: bool, output: str
) -> int:
    """Create or update the resources in files and folders.

    Older and misspelt forms are repaired; each repair is told with its line (kabanero convert writes the canonical
    form). What is wrong is told with its place and the rest is applied all the same; then the exit code is 5. Mistakes
    that only show in a run (kabanero lint finds them before) are told and keep nothing back.

    \b
      kabanero apply -f strategy.yaml
      kabanero apply ./strategies --dry-run
    """
    if not (paths or files):
        raise UsageError("say what to apply: kabanero apply -f FILE")
    reading = read_manifests([*paths, *files])
    if not quiet:
        show_repairs(reading)
    _refuse_nothing(reading)
    applied = []
    for done in _apply_all(session, reading, dry_run):
        applied.append(done)
        if output == "table":
            _tell(done, dry_run)
    _tell_findings(session, reading, [done.name for done in applied if done.result != "failed"])
    if output != "table":
        print_object({"items": [_as_json(done) for done in applied]}, output)
    failed = any(done.result == "failed" for done in applied) or bool(reading.problems)
    return ExitCode.REFUSED if failed else ExitCode.OK


def _refuse_nothing(reading: Reading) -> None:
    show_problems(reading.problems)
    if not reading.manifests:
        raise RefusedError("there is no resource in it")


def _tell_findings(session: Session, reading: Reading, applied: Sequence[str]) -> None:
    """What the verifier will say of the strategies that were applied, while their lines are known. Refuses nothing."""
    from kabanero.cli.lint import remark_text
    from kabanero.cli.linting import Linter
    from kabanero.cli.lintserver import Server

    whole = {manifest.label: manifest for manifest in reading if _name(manifest.resource) in applied}
    if not any(manifest.resource.get("kind") in VERIFIED for manifest in whole.values()):
        return
    try:
        remarks = Linter(reading, Server(session), session.namespace).remarks()
    except CliError as error:
        note(f"strategies could not be checked: {error.message}")
        return
    for each in remarks:
        if each.resource in whole and each.severity != "note":
            tell(each.severity, remark_text(each), err=True)


def _tell(done: Applied, dry_run: bool) -> None:
    result = styled(done.result, fg=_COLOURS[done.result])
    click.echo(f"{done.name} {result}" + (" (dry run)" if dry_run and not done.error else ""))
    if done.error:
        click.echo(f"  {safe(done.error, lines=True)}", err=True)


def _as_json(done: Applied) -> Json:
    return {"name": done.name, "result": done.result} | ({"error": done.error} if done.error else {})


def _apply_all(session: Session, reading: Reading, dry_run: bool) -> Iterator[Applied]:
    for manifest in sorted(reading.manifests, key=_rank):
        if manifest.problems:
            show_problems(manifest.problems)
            count = len(manifest.problems)
            yield Applied(_name(manifest.resource), "failed", f"{count} mistake{'s' if count > 1 else ''}, see above")
        else:
            yield _apply_one(session, manifest, dry_run)


def _rank(manifest: Manifest) -> int:
    """What others need comes first, runs come last; else the order of the files."""
    kind = str(manifest.resource.get("kind"))
    return ORDER.index(kind) if kind in ORDER else len(ORDER) + 1 + (LAST.index(kind) if kind in LAST else -1)


def _name(resource: Json) -> str:
    kind = str(resource.get("kind") or "resource").lower()
    metadata = resource.get("metadata")
    name = metadata.get("name") or metadata.get("generateName") if isinstance(metadata, dict) else ""
    return safe(f"{kind}/{name}")


def _apply_one(session: Session, manifest: Manifest, dry_run: bool) -> Applied:
    """Applies one; only a server that is away stops the whole."""
    name = _name(manifest.resource)
    try:
        kind = _kind(session, manifest.resource)
        return Applied(name, _write(session, kind, manifest.resource, dry_run))
    except CliError as error:
        if error.exit_code == ExitCode.UNREACHABLE:
            raise
        lines = [f"{manifest.place}: {error.message}", *error.hints]
        return Applied(name, "failed", "\n    ".join(line for line in lines if line))


def _kind(session: Session, resource: Json) -> ServedKind:
    """The kind as the server has it; one that was declared a moment ago may not be served yet."""
    deadline = time.monotonic() + (KIND_SECONDS if resource.get("apiVersion") == API_VERSION else 0)
    while True:
        try:
            return session.catalog.of(str(resource.get("apiVersion")), str(resource.get("kind")))
        except MissingError:
            if time.monotonic() > deadline:
                raise
            session.catalog.forget()
            time.sleep(0.1)


def _write(session: Session, kind: ServedKind, resource: Json, dry_run: bool) -> str:
    metadata = resource.get("metadata") or {}
    namespace = str(metadata.get("namespace") or session.namespace) if kind.namespaced else ""
    query = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
    name = str(metadata.get("name") or "")
    for _ in range(ATTEMPTS):
        current = _current(session, kind.path(namespace, name)) if name else None
        try:
            if current is None:
                session.client.create(kind.path(namespace), resource, query)
                return "created"
            return _update(session, kind.path(namespace, name), current, resource, query)
        except AnswerError as error:
            if error.status != 409:
                raise
    raise RefusedError(f"{_name(resource)} changes faster than we can read it")


def _current(session: Session, path: str) -> Json | None:
    try:
        found: Json = session.client.get(path)
    except AnswerError as error:
        if error.status == 404:
            return None
        raise
    return found


def _update(session: Session, path: str, current: Json, wanted: Json, query: Json) -> str:
    """Replaces all but status and what the server or others keep in metadata."""
    body = {**wanted, "metadata": _metadata(current["metadata"], wanted.get("metadata") or {})}
    if "status" in current:
        body["status"] = current["status"]
    if all(body.get(key) == current.get(key) for key in {*body, *current}):
        return "unchanged"
    after = session.client.replace(path, body, query)
    same = {**after, "metadata": {}} == {**current, "metadata": {}}
    return "unchanged" if same and _labels(after) == _labels(current) else "configured"


def _metadata(current: Json, wanted: Json) -> Json:
    """The current metadata with the wanted on top; labels and annotations of others stay."""
    both = {
        field: {**(current.get(field) or {}), **(wanted.get(field) or {})}
        for field in ("labels", "annotations")
        if current.get(field) or wanted.get(field)
    }
    return {**current, **wanted, **both, "resourceVersion": current["resourceVersion"]}


def _labels(resource: Json) -> Sequence[Any]:
    metadata = resource["metadata"]
    return [metadata.get(field) for field in ("labels", "annotations", "finalizers", "ownerReferences")]
