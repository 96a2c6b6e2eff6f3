"""What the documents say: their fenced blocks, each with the comment above it, and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", ROOT / "docs" / "troubleshooting.md"]
GUIDES = [*PAGES, *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
ON_A_CLUSTER = [ROOT / "docs" / "how-to" / "install.md"]
"""Guides whose blocks need a cluster: tests/cluster runs them."""
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("roles/*/*.md")]
)
_BLOCK = re.compile(
    r"(?P<comments>(?:^[ ]*<!--[^\n]*-->\n)*)^(?P<indent>[ ]*)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(r"<!-- (?P<word>run|not run|file|output|holds|picture)(?:: (?P<value>.*?))? -->")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. `marks` are the comments above it: `{"run": "exit 1"}`."""

    document: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document: Path) -> list[Block]:
    """All fenced blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [_block(document, text, found) for found in _BLOCK.finditer(text)]


def _block(document: Path, text: str, found: re.Match[str]) -> Block:
    marks = {each["word"]: each["value"] or "" for each in _COMMENT.finditer(found["comments"])}
    line = text.count("\n", 0, found.start("language")) + 1
    return Block(document, line, found["language"].strip(), dedent(found["text"]), marks)


def links(document: Path) -> Iterator[str]:
    """Targets of all links outside of code."""
    text = re.sub(r"`[^`\n]*`(?!\])", "", _BLOCK.sub("", document.read_text(encoding="utf-8")))
    yield from (found["target"] for found in _LINK.finditer(text))


def anchors(document: Path) -> set[str]:
    """What can follow `#` in a link to a document, as GitHub makes it from headings."""
    text = _BLOCK.sub("", document.read_text(encoding="utf-8"))
    return {_anchor(found["text"]) for found in _HEADING.finditer(text)}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
