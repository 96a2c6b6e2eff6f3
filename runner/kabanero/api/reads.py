"""get and list. A long list without a limit goes out page by page, so that neither memory nor the loop is filled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from kabanero.api.http import Reply, Request, Response, Stream, json_response
from kabanero.api.shapes import CLOSE_LIST, Shape, encode_items, encode_list, open_list
from kabanero.api.status import as_api_error, bad_request, failure
from kabanero.api.targets import Target, find_selector
from kabanero.model.errors import InvalidError, KabaneroError
from kabanero.model.resource import Resource
from kabanero.model.selectors import Selector
from kabanero.ports import Page, Store

PAGE = 500
_MATCHES = ("Exact", "NotOlderThan")


async def get(store: Store, target: Target, shape: Shape) -> Response:
    """One resource."""
    return json_response(shape.one(await fetch(store, target)))


async def fetch(store: Store, target: Target) -> Resource:
    """The stored resource. Raises ApiError 404."""
    try:
        return await store.get(target.key)
    except KabaneroError as error:
        raise as_api_error(error, target.key) from error


async def list_all(store: Store, request: Request, target: Target, shape: Shape) -> Reply:
    """All resources of the target that the selectors let through."""
    selector = find_selector(request, target.type)
    limit = parse_number(request, "limit")
    token = request.query.get("continue", "")
    page = await page_at(store, target, selector, limit or PAGE, token)
    check_version(request, page)
    if limit or not page.next_token:
        return Response(encode_list(shape, _meta(page), page.items))
    return Stream(_all_pages(store, target, selector, shape, page))


async def page_at(store: Store, target: Target, selector: Selector, limit: int, token: str) -> Page:
    """The page at a client's continue token. Raises ApiError 400 for one that is none."""
    try:
        return await store.list(target.type, namespace=target.namespace, selector=selector, limit=limit, token=token)
    except InvalidError as error:
        raise bad_request(str(error)) from error


def _meta(page: Page) -> dict[str, Any]:
    meta: dict[str, Any] = {"resourceVersion": page.resource_version}
    if page.next_token:
        meta["continue"] = page.next_token
        if page.remaining:
            meta["remainingItemCount"] = page.remaining
    return meta


async def _all_pages(
    store: Store, target: Target, selector: Selector, shape: Shape, page: Page
) -> AsyncIterator[bytes]:
    yield open_list(shape, {"resourceVersion": page.resource_version}) + encode_items(shape, page.items)
    while page.next_token:
        page = await store.list(
            target.type, namespace=target.namespace, selector=selector, limit=PAGE, token=page.next_token
        )
        if page.items:
            yield b"," + encode_items(shape, page.items)
    yield CLOSE_LIST


def parse_number(request: Request, name: str) -> int:
    """A parameter that is a whole number, 0 when absent. Raises ApiError 400."""
    text = request.query.get(name) or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise bad_request(f"{name} must be a whole number, not {text[:40]!r}")
    return int(text)


def check_version(request: Request, page: Page) -> None:
    """Whether this page is as new, or exactly as old, as `resourceVersion` and `resourceVersionMatch` ask."""
    wanted, match = parse_number(request, "resourceVersion"), request.query.get("resourceVersionMatch", "")
    if match and match not in _MATCHES:
        raise bad_request(f"resourceVersionMatch is {match!r}; possible: {', '.join(_MATCHES)}")
    if match and not request.query.get("resourceVersion") and not request.flag("watch"):
        raise bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided")
    if not wanted or request.query.get("continue"):
        return
    if wanted > int(page.resource_version):
        raise _too_new(wanted, page.resource_version)
    if match == "Exact" and wanted != int(page.resource_version):
        raise failure(410, "Expired", f"The resourceVersion {wanted} is too old: only the newest state can be listed")


def _too_new(wanted: int, current: str) -> Exception:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    details = {"causes": [cause], "retryAfterSeconds": 1}
    return failure(504, "Timeout", f"Too large resource version: {wanted}, current: {current}", details)
