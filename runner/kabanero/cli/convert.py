"""`kabanero convert`: older and misspelt YAML in the canonical form, every repair named."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from kabanero.cli.errors import ExitCode, RefusedError, UsageError
from kabanero.cli.findings import show_problems, show_repairs
from kabanero.cli.manifests import STDIN, Manifest, Reading, read_manifests, read_text
from kabanero.cli.output import note
from kabanero.model.compat import to_yaml

_COMMENT = re.compile(r"(^|\s)#")


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-i", "--in-place", is_flag=True, help="Write each file anew; comments are not kept.")
@click.option("-q", "--quiet", is_flag=True, help="Don't tell of repairs.")
def convert(files: tuple[str, ...], in_place: bool, quiet: bool) -> int:
    """Write the resources in FILEs (folders, - for stdin) in the canonical form, to stdout.

    Repairs are told on stderr with line and reason. What nobody can mend is told as well; then the exit code is 5 and
    no file is written.
    """
    reading = read_manifests(files)
    if not quiet:
        show_repairs(reading)
    problems = [*reading.problems, *(problem for manifest in reading for problem in manifest.problems)]
    show_problems(problems)
    if in_place:
        _rewrite(reading, mended=not problems)
    else:
        click.echo(to_yaml(manifest.resource for manifest in reading), nl=False)
    return ExitCode.REFUSED if problems else ExitCode.OK


def _rewrite(reading: Reading, *, mended: bool) -> None:
    if not mended:
        raise RefusedError("nothing was written: mend what is named above first")
    by_file: dict[str, list[Manifest]] = {}
    for manifest in reading:
        by_file.setdefault(manifest.place.file, []).append(manifest)
    repaired = {place.file for place, _ in reading.repairs}
    for file, manifests in by_file.items():
        if file == STDIN:
            raise UsageError("stdin can't be written in place")
        if file in repaired:
            _write(file, manifests)


def _write(file: str, manifests: Sequence[Manifest]) -> None:
    """In one step: whoever reads the file sees the old text or the new one."""
    if _COMMENT.search(read_text(file)):
        note(f"{file}: its comments are not kept")
    path = Path(file).resolve()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        written.write(to_yaml(manifest.resource for manifest in manifests))
    Path(temporary).chmod(path.stat().st_mode & 0o777)
    Path(temporary).replace(path)
    click.echo(f"{file} written")
