"""`kabanero crds`: the CustomResourceDefinitions by which a cluster serves our kinds, and kinds of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import click
import yaml

from kabanero.api.catalog import declared_kind
from kabanero.cli.errors import RefusedError, UsageError
from kabanero.cli.findings import show_problems, show_repairs
from kabanero.cli.manifests import Reading, read_manifests
from kabanero.cli.output import note
from kabanero.model import schemas
from kabanero.model.resource import Resource


@click.command()
@click.option(
    "-f", "--filename", "files", multiple=True, metavar="FILE", help="Of the kinds that the StageKinds in FILE declare."
)
def crds(files: tuple[str, ...]) -> None:
    """Print the definitions of all kinds as YAML, or of kinds declared by StageKinds in FILEs (folders, - for stdin).

    A cluster needs them before it takes such resources: kabanero crds | kubectl apply -f -
    The runner's own API serves declared kinds without.
    """
    wanted = list(_declared(read_manifests(files))) if files else schemas.crds()
    click.echo(yaml.safe_dump_all(wanted, sort_keys=False, width=120), nl=False)


def _declared(reading: Reading) -> Iterator[Resource]:
    """The definitions of kinds that are not built in. Raises UsageError, RefusedError."""
    show_repairs(reading)
    stage_kinds = [manifest for manifest in reading if manifest.resource.get("kind") == "StageKind"]
    problems = [*reading.problems, *(problem for manifest in stage_kinds for problem in manifest.problems)]
    if problems:
        show_problems(problems)
        raise RefusedError("nothing is printed: mend what is named above first")
    if not stage_kinds:
        raise UsageError("there is no StageKind in these files: a kind of your own is declared by one")
    for manifest in stage_kinds:
        if kind := declared_kind(manifest.resource):
            yield schemas.crd(kind)
        else:
            note(f"{manifest.label} declares no kind of its own: its definition is among those of kabanero crds")
