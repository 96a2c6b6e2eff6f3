"""What a job leaves in its folder, read after any crash."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from kabanero.executors.ansible import traces
from kabanero.ports import WorkResult, WorkStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_job_is_claimed_once_for_ever(tmp_path: Path) -> None:
    assert traces.claim(tmp_path / "job")
    assert not traces.claim(tmp_path / "job")
    driver = traces.driver_of(tmp_path / "job")
    assert driver and driver.pid == os.getpid() and driver.alive


def test_a_later_process_of_the_same_number_is_not_the_driver(tmp_path: Path) -> None:
    (tmp_path / traces.DRIVER).write_text(f"{os.getpid()} 1")
    driver = traces.driver_of(tmp_path)
    assert driver and not driver.alive


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = traces.Process(process.pid, traces.start_time(process.pid))
    assert started.alive
    assert process.stdin
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not started.alive
    process.wait()


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    result = WorkResult(WorkStatus.WAITING, "R", "m", {"a": [1, None]}, {"kind": "PipelineRun"}, NOW, NOW)
    traces.write_result(tmp_path, result)
    assert traces.result_of(tmp_path) == result


def test_without_a_trace_nothing_is_known(tmp_path: Path) -> None:
    assert (traces.driver_of(tmp_path), traces.result_of(tmp_path), traces.cancelled(tmp_path)) == (None, None, None)


def test_the_first_reason_to_cancel_stays(tmp_path: Path) -> None:
    traces.mark_cancelled(tmp_path / "job", "first")
    traces.mark_cancelled(tmp_path / "job", "second")
    assert traces.cancelled(tmp_path / "job") == "first"


def test_nobody_else_may_read_what_is_kept(tmp_path: Path) -> None:
    traces.claim(tmp_path / "job")
    traces.write_result(tmp_path / "job", WorkResult(WorkStatus.SUCCEEDED))
    modes = {file.stat().st_mode & 0o077 for file in [tmp_path / "job", *(tmp_path / "job").iterdir()]}
    assert modes == {0}
