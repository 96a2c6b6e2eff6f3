"""The guides as Sphinx reads them: copied from README and docs, with links and marks that fit the site.

Nothing is written twice: the first page is the README, and what is not among the sections below is found by its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
FRONT = Path("index.md")
SECTIONS = {
    "Begin": ("tutorial.md",),
    "How to": ("how-to/strategies.md", "how-to/playbooks.md", "how-to/webhooks.md", "how-to/*.md"),
    "Reference": ("collection/index", "reference/cli.md", "reference/kinds.md", "reference/*.md"),
    "When it does not work": ("troubleshooting.md", "troubleshooting-*.md"),
    "Understand": ("architecture.md", "performance.md", "glossary.md", "decisions.md"),
    "Take part": ("*.md",),
}
"""What stands beside every page. A pattern takes what no line before it took."""

_FENCED = re.compile(r"^(?P<indent> *)(?P<fence>```+).*?^(?P=indent)(?P=fence) *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`(?!\])")
_LINK = re.compile(r"(?P<text>\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^)\s]+)\)")
_MARK = re.compile(r"^ *<!-- (?P<word>[a-z ]+?)(?:: (?P<value>.*?))? -->\n", re.MULTILINE)
_MARKED_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z0-9_+-]*)\n", re.MULTILINE)
_PLACE = "\x00{}\x00"
_PLACES = re.compile("\x00(\\d+)\x00")


def write_pages(target: Path) -> None:
    """All pages, and the first one with the contents of the site."""
    for source in sorted(DOCS.rglob("*.md")):
        _write(target / source.relative_to(DOCS), site_text(source))
    _write(target / "decisions.md", _decisions())
    _write(target / FRONT, site_text(README) + contents())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def site_text(source: Path) -> str:
    """A page of the repository as a page of the site."""
    text, kept = source.read_text(encoding="utf-8"), []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return _PLACE.format(len(kept) - 1)

    text = _CODE.sub(keep, _FENCED.sub(keep, _captioned(text)))
    text = _LINK.sub(lambda link: f"{link['text']}({_target(link['target'], source)})", _MARK.sub("", text))
    while _PLACES.search(text):
        text = _PLACES.sub(lambda place: kept[int(place[1])], text)
    return text


def _captioned(text: str) -> str:
    """Marks that tests go by are left out; the name of a file is shown above its text."""
    pieces, end = [], 0
    for run in re.finditer(rf"(?:{_MARK.pattern})+", text, re.MULTILINE):
        pieces.append(text[end : run.start()])
        end = run.end()
        file = next((mark["value"] for mark in _MARK.finditer(run[0]) if mark["word"] == "file"), None)
        fence = _MARKED_FENCE.match(text, end)
        if file and fence:
            indent, language = fence["indent"], fence["language"] or "text"
            pieces.append(f"{indent}```{{code-block}} {language}\n{indent}:caption: {file}\n\n")
            end = fence.end()
    return "".join([*pieces, text[end:]])


def _target(target: str, source: Path) -> str:
    """Where a link of a page in the repository leads on the site; what is no page of it is at the repository."""
    if target.startswith(("https://", "http://", "#", "mailto:")):
        return target
    path, mark, anchor = target.partition("#")
    meant = Path(os.path.normpath(source.parent / path))
    here = FRONT.parent if source == README else source.parent.relative_to(DOCS)
    page = _page(meant)
    if page is None:
        return f"{_repository()}/{'tree' if meant.is_dir() else 'blob'}/main/{meant.relative_to(ROOT)}{mark}{anchor}"
    return os.path.relpath(page, here) + mark + anchor


def _page(meant: Path) -> Path | None:
    """The page of the site about a place in the repository."""
    if meant == README:
        return FRONT
    if meant == DOCS / "decisions":
        return Path("decisions.md")
    return meant.relative_to(DOCS) if meant.is_relative_to(DOCS) and meant.suffix == ".md" else None


def _repository() -> str:
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["repository"])


def contents() -> str:
    """The tables of contents, which the theme draws beside every page."""
    there = sorted({str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} | {"decisions.md", "collection/index"})
    left = [page for page in there if not page.startswith("decisions/")]
    taken: dict[str, list[str]] = {}
    for title, patterns in SECTIONS.items():
        taken[title] = list(_taken(patterns, left))
    return "".join(_toctree(title, pages) for title, pages in taken.items() if pages)


def _taken(patterns: Iterable[str], left: list[str]) -> Iterator[str]:
    for pattern in patterns:
        for page in [page for page in left if _fits(page, pattern)]:
            left.remove(page)
            yield page


def _fits(page: str, pattern: str) -> bool:
    return Path(page).match(pattern) and page.count("/") == pattern.count("/")


def _toctree(title: str, pages: Iterable[str]) -> str:
    listed = "\n".join(f"Modules and plugins <{each}>" if each == "collection/index" else each for each in pages)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"


def _decisions() -> str:
    pages = "\n".join(str(path.relative_to(DOCS)) for path in sorted((DOCS / "decisions").glob("*.md")))
    about = "# Decisions\n\nQuestions that someone could ask, and what was decided.\n"
    return f"{about}\n```{{toctree}}\n:maxdepth: 1\n\n{pages}\n```\n"
