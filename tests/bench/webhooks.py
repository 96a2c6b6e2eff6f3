"""Signed webhooks that a whole runner acknowledges, each durable before its answer; the load is another process.

Beside it the same application alone, on the SQLite bus and on one that keeps nothing: so one sees what the limit is
made of.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from tests.bench.webhook_load import server_with
from tests.support.github import REPOSITORY, SECRET
from tests.support.runner import SECRET as RUNNER_SECRET
from tests.support.runner import Runner, resource

BYTES = 5_000
COUNT = 30_000


def measure(folder: Path) -> list[Figure]:
    """Webhooks a second and milliseconds."""
    figures = _figures("kabanero", _whole_runner(folder / "runner"), goals=True)
    for bus, subject in (("sqlite", "webhook and bus alone"), ("memory", "webhook alone, nothing kept")):
        with server_with(bus, "") as (port, pid):
            figures += _figures(subject, _load(port, pid, SECRET.decode(), folder / f"{bus}.json"), goals=False)
    return figures


def _figures(subject: str, seen: dict[str, Any], *, goals: bool) -> list[Figure]:
    cpu = f"CPU {seen['server_cpu']:.2f} server, {seen['client_cpu']:.2f} load"
    rate = Figure(
        "webhooks acknowledged",
        subject,
        seen["per_second"],
        "/s",
        ">= 5,000" if goals else "",
        f"{BYTES:,} bytes, {seen['refused']} refused; {cpu}",
    )
    waits = f"p50 {seen['p50']} ms, longest {seen['longest']} ms"
    return [rate, Figure("webhook, p99", subject, seen["p99"], "ms", "< 50" if goals else "", waits)]


def _whole_runner(folder: Path) -> dict[str, Any]:
    """With its controllers, and one trigger that doesn't want these pushes."""
    folder.mkdir(parents=True)
    with Runner(folder) as runner:
        runner.source(REPOSITORY)
        rule = {"match": {"eventName": "Push"}, "filter": [{"attribute": "branch", "allowed": ["no-such-branch"]}]}
        runner.apply(resource("StrategyTrigger", "other", {"strategy": "none", "events": [rule]}))
        assert runner.process
        return _load(runner.port, runner.process.pid, RUNNER_SECRET, folder / "load.json")


def _load(port: int, pid: int, secret: str, result: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.webhook_load", "--url", f"http://127.0.0.1:{port}", "--pid", str(pid)]
    command += ["--secret", secret, "--count", str(COUNT), "--size", str(BYTES), "--json", str(result)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    [line] = json.loads(result.read_text())
    return dict(line)
