"""`kabanero lint`: every mistake in files that can be seen before a run stumbles over it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from kabanero.cli.errors import ExitCode, OutcomeError
from kabanero.cli.linting import Linter, Remark
from kabanero.cli.lintserver import Server
from kabanero.cli.manifests import Reading, read_manifests
from kabanero.cli.output import SEVERITIES, output_option, print_object, styled, tell
from kabanero.cli.session import DEFAULT_NAMESPACE, Session, connected
from kabanero.cli.text import fitted, one_line


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--with-server", is_flag=True, help="Look up what is not in the files on the runner.")
@click.option(
    "--project-dir",
    "project",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of playbooks, as for kabanero serve; stages are held against it.",
)
@click.option("-q", "--quiet", is_flag=True, help="Don't tell of repairs.")
@output_option("json", "yaml")
@connected
def lint(
    session: Session,
    files: tuple[str, ...],
    strict: bool,
    with_server: bool,
    project: Path | None,
    quiet: bool,
    output: str,
) -> ExitCode:
    """Find mistakes in the resources in FILEs (folders, - for stdin) before they are applied.

    Every resource is held against the rules of its kind, and strategies, triggers and runs against each other: events
    that never come, stages that never run, joins that can't be complete, circles, variables and types that don't fit.
    Each mistake is told with its line, and with the path of events that leads to it. With errors the exit code is 1.

    \b
      kabanero lint ./strategies --project-dir ./playbooks
      kabanero convert old.yaml | kabanero lint --strict -
    """
    reading = read_manifests(files)
    if not (reading.manifests or reading.problems):
        raise OutcomeError("there is no resource in it")
    remarks = _linter(session, reading, with_server, project).remarks()
    remarks = [_stricter(each) if strict else each for each in remarks if not (quiet and each.severity == "note")]
    _show(reading, remarks, output)
    return ExitCode.FAILED if _count(remarks, "error") else ExitCode.OK


def _linter(session: Session, reading: Reading, with_server: bool, project: Path | None) -> Linter:
    if with_server:
        return Linter(reading, Server(session), session.namespace, project)
    return Linter(reading, None, session.named_namespace or DEFAULT_NAMESPACE, project)


def _stricter(remark: Remark) -> Remark:
    return replace(remark, severity="error") if remark.severity == "warning" else remark


def _show(reading: Reading, remarks: Sequence[Remark], output: str) -> None:
    if output != "table":
        items = [each.as_json() for each in remarks]
        counts = {f"{severity}s": _count(remarks, severity) for severity in SEVERITIES}
        print_object({"resources": len(reading.manifests), **counts, "items": items}, output)
        return
    for each in remarks:
        _tell(each)
    click.echo(f"{_number(len(reading.manifests), 'resource')}: {_verdict(remarks)}")


def remark_text(remark: Remark) -> str:
    """Place, reason and likely fix on one line, safe to print."""
    finding = remark.finding
    about = ": ".join(one_line(part) for part in (remark.resource, finding.place, finding.reason) if part)
    fix = f" ({one_line(finding.fix)})" if finding.fix else ""
    return f"{remark.place}: {about}{fix}"


def _tell(remark: Remark) -> None:
    tell(remark.severity, remark_text(remark))
    if remark.finding.trail:
        click.echo(f"  path: {fitted(one_line(remark.finding.path), sys.stdout, used=8, indent=4)}")


def _verdict(remarks: Sequence[Remark]) -> str:
    counts = [(severity, _count(remarks, severity)) for severity in ("error", "warning")]
    found = [styled(_number(count, severity), fg=SEVERITIES[severity]) for severity, count in counts if count]
    return ", ".join(found) if found else styled("no mistakes", fg="green")


def _count(remarks: Sequence[Remark], severity: str) -> int:
    return sum(each.severity == severity for each in remarks)


def _number(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
