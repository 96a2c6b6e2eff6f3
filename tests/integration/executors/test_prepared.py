"""What is made once for all playbooks is what each would have made by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from kabanero.clock import SystemClock
from kabanero.executors.ansible import AnsibleExecutor, AnsibleExecutorSettings
from kabanero.ports import Work, WorkStatus

OPTIONS = """
    from ansible.cli.playbook import PlaybookCLI
    def options():
        command = PlaybookCLI(["ansible-playbook", "-i", "hosts", "-e", "@/some", "-e", "more=1", "-vv", "it.yml"])
        command.init_parser()
        return vars(command.parser.parse_args(command.args[1:]))
    alone = options()
    warm.load()
    print(json.dumps([alone, options(), options()], default=str))
"""
CALLBACK = """
    from pathlib import Path
    import ansible_runner
    from ansible import constants
    from ansible.plugins.loader import callback_loader
    warm.load()
    known = dict(constants.config.get_configuration_definitions("callback", "awx_display"))
    constants.config._plugins["callback"].pop("awx_display")
    callback_loader.add_directory(str(Path(ansible_runner.__file__).parent / "display_callback" / "callback"))
    callback_loader.get("awx_display", class_only=True)
    print(json.dumps([known, constants.config.get_configuration_definitions("callback", "awx_display")], default=str))
"""
SETTINGS = """
    from ansible import constants
    warm.load()
    names = sorted(warm._settings["ANSIBLE_STDOUT_CALLBACK"] + warm._settings["NO_COLOR"])
    print(json.dumps(names))
"""


def said(code: str) -> Any:
    """What a process of its own prints, which loads Ansible."""
    whole = "import json\nfrom kabanero.executors.ansible import warm\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", whole], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_command_line_means_the_same_to_every_playbook() -> None:
    alone, first, second = said(OPTIONS)
    assert alone["extra_vars"] == ["@/some", "more=1"]
    assert alone == first == second


def test_the_options_of_the_callback_are_those_that_it_documents() -> None:
    known, read = said(CALLBACK)
    assert "display_skipped_hosts" in known
    assert known == read


def test_a_setting_is_found_by_the_variable_that_changes_it() -> None:
    assert said(SETTINGS) == ["ANSIBLE_NOCOLOR", "DEFAULT_STDOUT_CALLBACK"]


async def test_a_playbook_has_a_temporary_folder_of_its_own_and_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("project", "data"):
        (tmp_path / name).mkdir()
    ours = "{{ lookup('pipe', 'ls ' ~ lookup('env', 'HOME') ~ '/.ansible/tmp').split() | length }}"
    playbook = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"fail": {"msg": ours}}]}]
    (tmp_path / "project" / "it.yml").write_text(json.dumps(playbook))
    executor = await AnsibleExecutor.open(
        AnsibleExecutorSettings(tmp_path / "data", tmp_path / "project"), SystemClock()
    )
    result = await executor.carry_out(Work("it-1.1", "it.yml", {}))
    assert (result.status, result.message) == (WorkStatus.FAILED, "task fail: 2")
    assert len(os.listdir(tmp_path / ".ansible" / "tmp")) == 1  # noqa: PTH208  (that of the job server)
    await executor.close()
