"""The pages of the site: links lead where they led in the repository, marks of tests are gone, nothing is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docsite import pages
from tools.docsite.linkcheck import broken_links
from tools.docsite.plugins import fit_plugins, plugin_text


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs" / "how-to").mkdir(parents=True)
    (tmp_path / "docs" / "decisions").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "galaxy.yml").write_text("repository: https://forge.example/us/events\n")
    for name, value in {"ROOT": tmp_path, "DOCS": tmp_path / "docs", "README": tmp_path / "README.md"}.items():
        monkeypatch.setattr(pages, name, value)
    return tmp_path


def page(repository: Path, text: str, name: str = "docs/how-to/a.md") -> str:
    (repository / name).write_text(text)
    return pages.site_text(repository / name)


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("../reference/kinds.md#stage", "../reference/kinds.md#stage"),
        ("b.md", "b.md"),
        ("../../README.md", "../index.md"),
        ("../decisions", "../decisions.md"),
        ("../../examples", "https://forge.example/us/events/tree/main/examples"),
        ("../../LICENSE", "https://forge.example/us/events/blob/main/LICENSE"),
        ("https://example.com/a.md", "https://example.com/a.md"),
        ("#here", "#here"),
    ],
)
def test_a_link_leads_where_it_led_in_the_repository(repository: Path, target: str, leads: str) -> None:
    assert page(repository, f"see [`it`]({target}) there") == f"see [`it`]({leads}) there"


def test_a_link_of_the_readme_leads_into_the_site(repository: Path) -> None:
    assert page(repository, "[learn](docs/tutorial.md)", "README.md") == "[learn](tutorial.md)"


def test_code_is_left_as_it_is(repository: Path) -> None:
    text = "```sh\n# [a](b.md) <!-- run -->\n```\n\nwrite `[a](../../LICENSE)`\n"
    assert page(repository, text) == text


def test_marks_are_left_out_and_a_files_name_stands_above_it(repository: Path) -> None:
    run = "<!-- run: exit 1 -->\n```sh\nfalse\n```\n"
    text = f"{run}\n<!-- file: a.yaml -->\n<!-- holds: settings -->\n```yaml\na: 1\n```\n"
    shown = "```sh\nfalse\n```\n\n```{code-block} yaml\n:caption: a.yaml\n\na: 1\n```\n"
    assert page(repository, text) == shown


def test_every_page_is_in_the_contents_once(repository: Path) -> None:
    names = ["tutorial.md", "new.md", "how-to/strategies.md", "how-to/new.md", "decisions/0001-a.md", "glossary.md"]
    for name in names:
        (repository / "docs" / name).write_text("# a\n")
    listed = [line for line in pages.contents().splitlines() if line.endswith(".md")]
    assert sorted(listed) == sorted([*names[:4], "glossary.md", "decisions.md"])


def test_plugins_stand_beside_the_page_by_their_names() -> None:
    text = "Title\n\n.. contents::\n   :local:\n   :depth: 1\n\nText\n\n.. toctree::\n\n    run_module\n    run_role\n"
    assert plugin_text(text, []) == "Title\n\nText\n\n.. toctree::\n\n    run <run_module>\n    run (role) <run_role>\n"


def test_what_the_site_has_anyway_is_left_out_of_the_plugins_pages(tmp_path: Path) -> None:
    section = ".. _{0}_of_us:\n\n{0}\n------\n\n.. toctree::\n    :maxdepth: 1\n\n    {1}\n\n"
    (tmp_path / "index.rst").write_text(
        section.format("Change", "changelog") + section.format("Guides", "docsite/guides") + "Rest\n"
    )
    (tmp_path / "changelog.rst").write_text("The changelog of us is empty.\n")
    (tmp_path / "docsite").mkdir()
    fit_plugins(tmp_path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("index.rst", "Rest\n")]


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')
    links = ["b.html", "b.html#there", "b.html#gone", "c.html", "https://example.com", "#gone"]
    (tmp_path / "a.html").write_text("".join(f'<a href="{each}">x</a>' for each in links))
    assert broken_links(tmp_path) == ["a.html: b.html#gone", "a.html: c.html", "a.html: #gone"]
