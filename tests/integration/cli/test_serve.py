"""`kabanero serve` that can't start says what is in the way and what would help."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.integration.cli.world import KABANERO


def serve(folder: Path, *args: str) -> tuple[int, str]:
    command = [KABANERO, "serve", "--data-dir", str(folder / "data"), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=folder)
    return done.returncode, done.stderr


def test_a_busy_port_is_told_as_one(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        code, said = serve(tmp_path, "--listen", address)
    assert code == 5
    assert f"error: can't listen at {address}: another program listens there" in said
    assert "port 0 picks a free one" in said


def test_an_address_of_another_machine_is_told_as_one(tmp_path: Path) -> None:
    code, said = serve(tmp_path, "--listen", "192.0.2.1:8080")
    assert (code, "it is no address of this machine" in said) == (5, True)


def test_a_missing_folder_of_playbooks_is_told_with_the_option_that_names_it(tmp_path: Path) -> None:
    code, said = serve(tmp_path, "--listen", "127.0.0.1:0", "--project-dir", "playbooks")
    assert (code, said) == (
        5,
        "error: configuration is invalid\n"
        "  projectDir: there is no folder playbooks (name the folder of your playbooks: kabanero serve "
        "--project-dir DIR)\n",
    )


def test_a_missing_configuration_is_told_with_its_path(tmp_path: Path) -> None:
    code, said = serve(tmp_path, "--config", "kabanero.yaml")
    assert (code, "configuration kabanero.yaml is invalid" in said, "--config" in said) == (5, True, True)
