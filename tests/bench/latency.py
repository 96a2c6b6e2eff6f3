"""Signed push to the first task of the first stage; ours, ansible-rulebook and cold ansible-runner in turn."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bench.figures import Figure, median, percentile
from tests.bench.peers import Rulebook, rulebook_binary
from tests.bench.stamps import next_stamp, stamping_project, stamps_in
from tests.support.runner import SECRET, Runner, push_payload
from tests.support.strategies import binding, match, playbook_stage, strategy

ROUNDS = 20
WARM_UP = 3


def measure(folder: Path) -> list[Figure]:
    """Milliseconds from just before the push is sent to the first task."""
    what = "push to first task (median)"
    figures = [_figure(what, "kabanero", _ours(folder / "ours"), "< 100")]
    if rulebook_binary():
        figures.append(_figure(what, "ansible-rulebook", _rulebook(folder / "rulebook")))
    figures.append(_figure("start to first task (median)", "ansible-runner, cold", _cold(folder / "cold")))
    return figures


def _figure(what: str, subject: str, seconds: list[float], goal: str = "") -> Figure:
    return Figure(
        what,
        subject,
        median(seconds) * 1000,
        "ms",
        goal,
        f"p90 {percentile(seconds, 90) * 1000:.0f} ms, n={len(seconds)}",
    )


def _rounds(stamps: Path, send: Callable[[int], object], rounds: int = ROUNDS) -> list[float]:
    times = []
    for number in range(WARM_UP + rounds):
        before = len(stamps_in(stamps))
        began = time.time_ns()
        send(number)
        times.append((next_stamp(stamps, before) - began) / 1e9)
        time.sleep(0.3)
    return times[WARM_UP:]


def _ours(folder: Path) -> list[float]:
    folder.mkdir()
    with Runner(folder) as runner:
        stamps = stamping_project(runner.project)
        runner.source()
        runner.apply(playbook_stage("first", "stamp.yml"))
        runner.apply(*strategy("one", [binding("First", "PlaybookStage", [match("Start")])]))
        time.sleep(2)
        return _rounds(stamps, lambda number: runner.push(commit=f"c{number}"))


def _rulebook(folder: Path) -> list[float]:
    folder.mkdir()
    stamps = stamping_project(folder, hosts="all")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Rulebook(folder, folder / "stamp.yml", SECRET, port) as peer:
        return _rounds(stamps, lambda number: _push(peer.port, number), ROUNDS // 2)


def _push(port: int, number: int) -> None:
    body = json.dumps(push_payload("main", f"c{number}")).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/endpoint", body, method="POST")
    request.add_header("Content-Type", "application/json")
    request.add_header("X-Hub-Signature-256", "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest())
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


COLD = """
import os, sys, ansible_runner
os.environ["PATH"] = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
host = "localhost ansible_connection=local"
ansible_runner.run(private_data_dir=sys.argv[1], playbook=sys.argv[2], inventory=host, quiet=True)
"""


def _cold(folder: Path) -> list[float]:
    folder.mkdir()
    stamps = stamping_project(folder / "project")
    command = [sys.executable, "-c", COLD, str(folder), "stamp.yml"]
    return _rounds(stamps, lambda _: subprocess.Popen(command, stdout=subprocess.DEVNULL), ROUNDS // 2)
