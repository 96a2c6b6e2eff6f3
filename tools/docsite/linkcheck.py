"""Follows every link of the built site that stays on it: to a file, and to a place in it. No network."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src"}


class _Page(HTMLParser):
    """What one page has: places to link to, and links."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes in one element."""
        values = dict(attrs)
        self.places.update(value for name in ("id", "name") if (value := values.get(name)))
        if link := values.get(_LINKS.get(tag, "")):
            self.links.append(link)


def broken_links(site: Path) -> list[str]:
    """`PAGE: LINK` for every link that leads nowhere."""
    pages = sorted(site.rglob("*.html"))
    return [
        f"{page.relative_to(site)}: {link}" for page in pages for link in _read(page).links if not _leads(page, link)
    ]


@cache
def _read(page: Path) -> _Page:
    found = _Page()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def _leads(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    target = target / "index.html" if target.is_dir() else target
    if not target.is_file():
        return False
    return not parts.fragment or target.suffix != ".html" or unquote(parts.fragment) in _read(target).places
