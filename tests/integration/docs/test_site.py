"""The site is built strictly from what is in the repository, and holds every guide, module and diagram."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.docs.reading import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tools.docsite", "--into", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return into / "site"


def test_every_guide_is_a_page(site: Path) -> None:
    guides = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert [guide for guide in guides if not (site / guide).is_file()] == []


def test_every_module_is_a_page_with_its_options(site: Path) -> None:
    modules = [path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")]
    assert [name for name in modules if "parameter-" not in _page(site, f"collection/{name}_module")] == []


def test_diagrams_are_drawn(site: Path) -> None:
    assert _page(site, "architecture").count("<svg id=") == 1
    assert "stage_run" in _page(site, "architecture").partition("<svg id=")[2].partition("</svg>")[0]


def test_it_can_be_searched(site: Path) -> None:
    assert "troubleshooting" in (site / "searchindex.js").read_text()


def test_a_reader_needs_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|link)[^>]*(?:src|href)="https?:')
    assert [page for page in site.rglob("*.html") if loaded.search(page.read_text(encoding="utf-8"))] == []


def _page(site: Path, name: str) -> str:
    return (site / f"{name}.html").read_text(encoding="utf-8")
