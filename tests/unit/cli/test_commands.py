"""The group of commands: known without being imported, near misses answered, exit codes as documented."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner
from kabanero.cli.errors import MEANINGS, ExitCode
from kabanero.cli.main import SECTIONS, cli, run

COMMANDS = {name: command for commands in SECTIONS.values() for name, command in commands.items()}
HEAVY = {"rich", "urllib3", "yaml", "pydantic", "kabanero.model.kinds.registry", "ansible", "uvicorn", "asyncio"}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"demo", "serve"}))
def test_every_command_is_there_and_its_first_line_is_a_sentence(name: str) -> None:
    command = COMMANDS[name].load()
    assert command.help
    assert command.help.strip().splitlines()[0].endswith(".")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from kabanero.cli.main import run; run(['--help']); print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.splitlines())


def test_help_names_every_command() -> None:
    text = CliRunner().invoke(cli, ["--help"]).output
    assert all(f"  {name} " in text for name in COMMANDS)


def test_an_unknown_command_is_answered_with_the_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["aprove", "x"]) == ExitCode.USAGE
    assert "did you mean approve?" in capsys.readouterr().err


def test_every_exit_code_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "exit-codes"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert all(f"{int(code):>5}  {MEANINGS[code]}" in text for code in ExitCode)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_made_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == ExitCode.OK
    assert "_KABANERO_COMPLETE" in capsys.readouterr().out


def test_a_mistake_of_our_own_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "main", lambda **_: 1 / 0)
    assert run(["version"]) == ExitCode.BUG
    assert "KABANERO_DEBUG=1" in capsys.readouterr().err


def test_ctrl_c_has_the_exit_code_of_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupt)
    assert run(["version"]) == ExitCode.INTERRUPTED
