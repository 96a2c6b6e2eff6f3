"""Every block says what it is, and every YAML block is what it says: right, canonical, and without findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from kabanero.api.access import Tokens, load_tokens
from kabanero.cli.main import cli
from kabanero.model.compat import load
from kabanero.settings import read_settings

from tests.integration.docs.reading import DOCUMENTS, GUIDES, ROOT, blocks
from tests.support.foreign_collections import awx_awx

YAML = [block for document in DOCUMENTS for block in blocks(document) if block.language == "yaml"]
OF_GUIDES = [block for document in GUIDES for block in blocks(document)]


def _holds(block):
    if block.marks.get("holds"):
        return block.marks["holds"]
    if str(block).startswith("docs/reference/settings.md"):
        return "settings"
    return "playbook" if block.text.startswith("- ") else "resources"


def _those(what):
    return pytest.mark.parametrize("block", [block for block in YAML if _holds(block) == what], ids=str)


@pytest.mark.parametrize("block", [block for block in OF_GUIDES if block.language in ("sh", "bash")], ids=str)
def test_shell_blocks_are_run_or_say_why_not(block):
    assert "run" in block.marks or block.marks.get("not run") or block.marks.get("file")


@pytest.mark.parametrize("block", [block for block in OF_GUIDES if block.language in ("text", "")], ids=str)
def test_text_is_compared_or_only_a_picture(block):
    assert block.language and {"output", "picture"} & block.marks.keys()


@_those("resources")
def test_resources_are_right_and_canonical(block):
    loaded = load(block.text)
    assert [*map(str, loaded.problems), *map(str, loaded.repairs)] == []


@pytest.mark.parametrize("document", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_strategies_of_a_guide_have_no_findings(document, tmp_path):
    for number, block in enumerate(blocks(document)):
        if block.language == "yaml" and _holds(block) == "resources" and "file" in block.marks:
            (tmp_path / f"{number}.yaml").write_text(block.text)
    if not list(tmp_path.iterdir()):
        pytest.skip("no resources in this guide")
    result = CliRunner().invoke(cli, ["lint", str(tmp_path)])
    assert result.exit_code == 0, result.output


@_those("playbook")
def test_playbooks_are_understood_by_ansible(block, tmp_path):
    (tmp_path / "playbook.yml").write_text(block.text)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "--syntax-check", "playbook.yml"]
    more = {"ANSIBLE_COLLECTIONS_PATH": str(awx_awx())} if "awx.awx." in block.text else {}
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@_those("settings")
def test_settings_are_settings(block, tmp_path):
    (tmp_path / "kabanero.yaml").write_text(block.text)
    assert read_settings(tmp_path / "kabanero.yaml", {})


@_those("tokens")
def test_tokens_are_tokens(block, tmp_path):
    (tmp_path / "tokens.yaml").write_text(block.text)
    load_tokens(tmp_path / "tokens.yaml", tokens := Tokens())
    assert tokens.user("Bearer " + yaml.safe_load(block.text)[0]["token"])


@pytest.mark.parametrize("block", [block for block in OF_GUIDES if block.language == "json"], ids=str)
def test_json_is_json(block):
    assert json.loads(block.text)
