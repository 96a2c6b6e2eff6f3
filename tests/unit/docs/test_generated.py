"""The generated reference: it is current, and it leaves nothing out."""

from __future__ import annotations

import pytest
from kabanero.api.metrics_reference import page as metrics_page
from kabanero.cli.main import SECTIONS
from kabanero.cli.serve import OPTIONS, serve
from kabanero.cli.settings_reference import page as settings_page
from kabanero.cli.settings_reference import settings_of
from kabanero.settings import Settings, read_settings

from tools.docs import PAGES, ROOT


@pytest.mark.parametrize("path", sorted(PAGES))
def test_generated_pages_are_current(path):
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run `make docs` and commit what it writes"


def test_every_command_is_described():
    page = PAGES["docs/reference/cli.md"]()
    assert [name for commands in SECTIONS.values() for name in commands if f"### {name}\n" not in page] == []


def test_every_option_of_serve_is_described():
    page = PAGES["docs/reference/cli.md"]().partition("### serve")[2].partition("###")[0]
    assert [option for option in serve.params if f"`{option.opts[0]} " not in page] == []


def test_every_number_has_a_unit():
    numbers = [(path, info) for path, info in settings_of(Settings) if info.annotation in (int, float)]
    assert [path for path, info in numbers if not (info.json_schema_extra or {}).get("unit")] == []


def test_every_setting_is_described():
    assert [path for path, info in settings_of(Settings) if not info.description] == []


def test_options_of_serve_set_settings_that_are_there():
    assert set(OPTIONS.values()) <= {path for path, _ in settings_of(Settings)}


def test_the_settings_example_is_the_default(tmp_path):
    example = settings_page().partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "kabanero.yaml").write_text(example)
    assert read_settings(tmp_path / "kabanero.yaml", {}) == Settings()


def test_zero_switches_off_only_where_zero_is_allowed():
    off = {path for path, info in settings_of(Settings) if (info.json_schema_extra or {}).get("off") == "0"}
    assert off == {path for path, info in settings_of(Settings) if _allows_zero(info)}


def _allows_zero(info):
    return any(getattr(bound, "ge", None) == 0 for bound in info.metadata)


def test_answers_to_webhooks_are_told():
    assert "| `unsigned` | 401 |" in metrics_page()
