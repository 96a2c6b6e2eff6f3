"""Lists of any length, page by page, with a word to the user when it takes long. Used where names are looked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from kabanero.cli.catalog import ServedKind
from kabanero.cli.media import TABLE
from kabanero.cli.session import Session

PAGE = 500
PATIENCE = 1.0


def objects(
    session: Session, kind: ServedKind, namespace: str, query: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Whole objects."""
    for page in pages(session, kind.path(namespace), query or {}):
        for item in page.get("items") or []:
            yield {"apiVersion": kind.api_version, "kind": kind.kind, **item}


def metadata(
    session: Session, kind: ServedKind, namespace: str, query: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Only the metadata of each object."""
    for page in pages(session, kind.path(namespace), query or {}, accept=TABLE):
        for row in page.get("rows") or []:
            yield row["object"]["metadata"]


def pages(
    session: Session, path: str, query: Mapping[str, str], *, accept: str = "application/json"
) -> Iterator[dict[str, Any]]:
    """One list's pages as the server gives them."""
    token, began, seen = "", time.monotonic(), 0
    while True:
        asked = {"limit": str(PAGE), **query} | ({"continue": token} if token else {})
        page = session.client.get(path, asked, accept=accept)
        yield page
        seen += len(page.get("items") or page.get("rows") or [])
        token = (page.get("metadata") or {}).get("continue") or ""
        if not token:
            return
        _tell(seen, page, time.monotonic() - began)


def _tell(seen: int, page: Mapping[str, Any], elapsed: float) -> None:
    if elapsed < PATIENCE or not sys.stderr.isatty():
        return
    remaining = (page.get("metadata") or {}).get("remainingItemCount")
    of = f" of {seen + remaining}" if remaining else ""
    end = "\r" if remaining and remaining > PAGE else "\r\x1b[K"
    click.echo(f"read {seen}{of} …{end}", nl=False, err=True)
