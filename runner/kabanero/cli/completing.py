"""What the shell is offered on TAB: kinds, names, runs and stages, asked of the server with a short patience.

A server that is away offers nothing; it never makes the shell wait or prints an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kabanero.cli.session import Session

SECONDS = 1.0
MOST = 500

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _from_server(look: Callable[[Session, click.Context], Iterable[str]]) -> Complete:
    """A completion that asks the server; whatever goes wrong, it offers nothing."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from kabanero.cli.session import session_of

        try:
            found = sorted(set(look(session_of(ctx, SECONDS), ctx)))
        except Exception:
            return []
        return [word for word in found if word.startswith(incomplete)]

    return complete


def _names(session: Session, path: str, **query: str) -> list[str]:
    items = session.client.get(path, {"limit": str(MOST), **query}).get("items") or []
    return [str(item["metadata"]["name"]) for item in items]


def _kinds(session: Session, ctx: click.Context) -> Iterable[str]:
    return [word for kind in session.catalog.own for word in (kind.singular, *kind.short_names) if word]


def _resources(session: Session, ctx: click.Context) -> Iterable[str]:
    kind = session.catalog.find(str(ctx.params["kind"]))
    return _names(session, kind.path(session.namespace))


def _runs(session: Session, ctx: click.Context) -> Iterable[str]:
    from kabanero.cli.catalog import STRATEGY_RUN

    return ["@latest", *_names(session, STRATEGY_RUN.path(session.namespace))]


def _strategies(session: Session, ctx: click.Context) -> Iterable[str]:
    from kabanero.cli.catalog import STRATEGY

    return _names(session, STRATEGY.path(session.namespace))


def _namespaces(session: Session, ctx: click.Context) -> Iterable[str]:
    return _names(session, "/api/v1/namespaces")


def _stages(session: Session, ctx: click.Context) -> Iterable[str]:
    from kabanero.cli.runs import find_run

    run: dict[str, Any] = find_run(session, str(ctx.params["run"]))
    return [str(stage["name"]) for stage in run["status"]["stages"]]


kinds = _from_server(_kinds)
names = _from_server(_resources)
runs = _from_server(_runs)
strategies = _from_server(_strategies)
namespaces = _from_server(_namespaces)
stages = _from_server(_stages)
