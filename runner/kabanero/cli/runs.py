"""Runs and stages as people name them: in full, by their beginning or end, or as the newest. Used by most commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import click

from kabanero.cli import completing
from kabanero.cli.answers import AnswerError
from kabanero.cli.catalog import STAGE_RUN, STRATEGY, STRATEGY_RUN, ServedKind
from kabanero.cli.errors import MissingError, RefusedError, UsageError
from kabanero.cli.listing import metadata
from kabanero.cli.newest import newest_name
from kabanero.cli.session import Session
from kabanero.cli.text import safe
from kabanero.model.names import is_subdomain

Json = dict[str, Any]
LATEST = ("@latest", "-")
_SHOWN = 8

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def run_argument(*, optional: bool = False) -> Decorator:
    """RUN on the command line."""
    return click.argument("run", required=not optional, metavar="RUN", shell_complete=completing.runs)


def stage_argument() -> Decorator:
    """[STAGE] on the command line."""
    return click.argument("stage", required=False, shell_complete=completing.stages)


def find_run(session: Session, name: str) -> Json:
    """The run that is meant. Raises MissingError with near names, UsageError when several are meant."""
    if name not in LATEST and (found := _exactly(session, STRATEGY_RUN, name)):
        return found
    full = _full_name(session, name)
    return run_named(session, full)


def run_named(session: Session, name: str) -> Json:
    """The run of exactly this name."""
    run: Json = session.client.get(STRATEGY_RUN.path(session.namespace, name))
    return run


def _exactly(session: Session, kind: ServedKind, name: str) -> Json | None:
    """The object of exactly this name; None when there is none or it can't be a name."""
    if not is_subdomain(name):
        return None
    try:
        found: Json = session.client.get(kind.path(session.namespace, name))
    except AnswerError as error:
        if error.status == 404:
            return None
        raise
    return found


def _full_name(session: Session, name: str) -> str:
    if name in LATEST:
        return newest_name(session, STRATEGY_RUN, session.namespace) or _no_runs(session)
    runs = [str(run["name"]) for run in metadata(session, STRATEGY_RUN, session.namespace)]
    return unabbreviated(name, runs, "run") if runs else _no_runs(session)


def _no_runs(session: Session) -> NoReturn:
    hint = "start one with: kabanero submit STRATEGY"
    raise MissingError(f"there are no runs in namespace {safe(session.namespace)}", [hint])


def unabbreviated(name: str, names: Sequence[str], what: str) -> str:
    """The one name that begins (else ends) with `name`, case aside. Raises MissingError, UsageError."""
    if name in names:
        return name
    wanted = name.casefold()
    for matches in (str.startswith, str.endswith):
        found = [candidate for candidate in names if wanted and matches(candidate.casefold(), wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{safe(name)!r} may be any of {len(found)} {what}s", [_listed(found)])
    raise MissingError(f"no {what} {safe(name)!r}", [_near(name, names)])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _near(name: str, names: Iterable[str]) -> str:
    from kabanero.model.nearmiss import did_you_mean

    return did_you_mean(name, names, listed=_SHOWN)


def find_strategy(session: Session, name: str) -> Json:
    """The strategy of this name. Raises MissingError with near names."""
    if found := _exactly(session, STRATEGY, name):
        return found
    names = [str(strategy["name"]) for strategy in metadata(session, STRATEGY, session.namespace)]
    hints = [_near(name, names) or "apply one with: kabanero apply -f FILE"]
    raise MissingError(f"no strategy {safe(name)!r} in namespace {safe(session.namespace)}", hints)


def stages_of(run: Json) -> list[Json]:
    """What the run's status says of each stage, in the strategy's order."""
    return list((run.get("status") or {}).get("stages") or [])


def find_stage(run: Json, name: str) -> Json:
    """The stage of a run by its name or a beginning of it. Raises MissingError, UsageError, RefusedError."""
    stages = stages_of(run)
    if not stages:
        raise RefusedError(f"run {run['metadata']['name']} has no stages yet: it is {phase_of(run)}")
    full = unabbreviated(name, [str(stage["name"]) for stage in stages], "stage")
    return next(stage for stage in stages if stage["name"] == full)


def phase_of(run: Json) -> str:
    """The run's phase; `Pending` before the runner has looked at it."""
    return str((run.get("status") or {}).get("phase") or "Pending")


def stage_runs(session: Session, run: Json) -> dict[str, Json]:
    """The StageRuns of a run, by stage name."""
    from kabanero.cli.listing import objects

    query = {"fieldSelector": f"spec.strategyRun={run['metadata']['name']}"}
    return {str(found["spec"]["stageName"]): found for found in objects(session, STAGE_RUN, session.namespace, query)}


def stage_run(session: Session, stage: Json) -> Json:
    """The StageRun of one stage of a run."""
    found: Json = session.client.get(STAGE_RUN.path(session.namespace, str(stage["stageRun"])))
    return found


def patch_stage_run(session: Session, name: str, spec: Json) -> Json:
    """Merge-patches the spec of one StageRun."""
    patched: Json = session.client.patch(STAGE_RUN.path(session.namespace, name), {"spec": spec})
    return patched
