"""A configuration that can't be used is refused with the place, the reason and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from kabanero.model.errors import InvalidError
from kabanero.settings import read_settings


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe\x80", "is not YAML"),
        (b"a: [1", "is not YAML"),
        (b"- 1", "must be a mapping of settings"),
        (b"listener: [1]", "listener: must be a mapping of settings"),
        (b"listener: here", "listener: must be a mapping of settings"),
        (b"webhook: {listener: 5}", "webhook.listener: must be a mapping of settings"),
        (b"lisener: {}", "lisener: is not a setting (did you mean listener?)"),
        (b"projectDir: /nowhere/at/all", "projectDir: there is no folder /nowhere/at/all"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_with_the_place(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(text)
    with pytest.raises(InvalidError) as refused:
        read_settings(file, {"listener.listen": "127.0.0.1:0", "webhook.listener.listen": "127.0.0.1:0"})
    assert said in str(refused.value)


@pytest.mark.parametrize("section", [{}, {"listener": None}, {"listener": {"certificate": None}}])
def test_an_option_wins_over_the_file_whatever_its_section_holds(tmp_path: Path, section: dict[str, Any]) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(section))
    settings = read_settings(tmp_path / "config.yaml", {"listener.listen": "127.0.0.1:7"})
    assert settings.listener.listen == "127.0.0.1:7"
