"""The pages that antsibull-docs writes, as they fit here: short names, and nothing that stands here already."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

_CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)+\n", re.MULTILINE)
_KINDS = "module|filter|lookup|inventory|callback|role"
_ENTRY = re.compile(rf"^    (?P<page>(?P<name>\w+)_(?P<kind>{_KINDS}))$", re.MULTILINE)
_SECTION = r"^(?:\.\. _[\w.]+:\n\n)?.+\n-+\n\n\.\. toctree::\n    :maxdepth: 1\n\n    {page}\n\n"
GUIDES, CHANGELOG = "docsite/guides", "changelog"


def fit_plugins(folder: Path) -> None:
    """Changes all pages of a folder. The guides are pages of the site anyway; a changelog may be empty yet."""
    left_out = [GUIDES]
    shutil.rmtree(folder / "docsite", ignore_errors=True)
    changelog = folder / f"{CHANGELOG}.rst"
    if changelog.exists() and "is empty" in changelog.read_text(encoding="utf-8"):
        changelog.unlink()
        left_out.append(CHANGELOG)
    for page in folder.glob("*.rst"):
        page.write_text(plugin_text(page.read_text(encoding="utf-8"), left_out), encoding="utf-8")


def plugin_text(text: str, left_out: list[str]) -> str:
    """A page of RST. Roles and modules may share a name, so what is no module says its kind."""

    def named(entry: re.Match[str]) -> str:
        kind = "" if entry["kind"] == "module" else f" ({entry['kind']})"
        return f"    {entry['name']}{kind} <{entry['page']}>"

    for page in left_out:
        text = re.sub(_SECTION.format(page=re.escape(page)), "", text, flags=re.MULTILINE)
    return _ENTRY.sub(named, _CONTENTS.sub("", text))
