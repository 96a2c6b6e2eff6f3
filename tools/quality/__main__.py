"""`python -m tools.quality [CHECK ...]`: runs the checks, two at a time, and only those whose files have changed."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.quality import tree
from tools.quality.checks import CHECKS, Check
from tools.quality.environments import CACHE, NoPythonError, forget_outdated
from tools.quality.place import NotHereError, Place
from tools.quality.saying import say

HEARTBEAT_SECONDS = 20


def main() -> None:
    """Ends with code 1 when a check failed, with all that it printed."""
    parser = argparse.ArgumentParser(prog="python -m tools.quality", description=__doc__)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"one of {', '.join(CHECKS)}; default: all")
    parser.add_argument("--again", action="store_true", help="run also what passed before with the same files")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    chosen = parser.parse_args()
    if unknown := set(chosen.checks) - set(CHECKS):
        parser.error(f"no check is named {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    for folder in ("venvs", "passed"):
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        _wait_for(lock.fileno())
        todo = _to_do(chosen.checks or list(CHECKS), again=chosen.again)
        with ThreadPoolExecutor(chosen.jobs) as pool:
            passed = list(pool.map(lambda each: _carry_out(*each), todo))
        forget_outdated()
    sys.exit(not all(passed))


def _wait_for(lock: int) -> None:
    """Two runs would fill the machine and the cache's folders twice."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for other checks on this machine to end ...")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _to_do(names: list[str], *, again: bool) -> list[tuple[str, Check, list[str], Path]]:
    """The checks that must run, with their files and the note to write when they pass; the others are told of."""
    todo, known = [], []
    for name in names:
        paths = tree.files(CHECKS[name].reads)
        passed = CACHE / "passed" / f"{name}-{tree.digest(paths, name, sys.version, CHECKS[name].decides())}"
        if passed.exists() and not again:
            passed.touch()
            known.append(name)
        else:
            todo.append((name, CHECKS[name], paths, passed))
    if known:
        say(f"  unchanged since they passed: {', '.join(known)}")
    return todo


def _carry_out(name: str, check: Check, paths: list[str], passed: Path) -> bool:
    began = time.monotonic()
    log = CACHE / f"{name}.log"
    say(f"  {name}: {check.what} ...")
    beating = threading.Event()
    threading.Thread(target=_tell_of, args=(name, log, began, beating), daemon=True).start()
    try:
        with log.open("w") as output, Place(paths, check.environment.ready(), output) as place:
            check.carry_out(place)
    except (NoPythonError, NotHereError) as error:
        say(f"NOT CHECKED: {name}, {error}")
        return isinstance(error, NoPythonError) or not os.environ.get("CI")
    except Exception as error:  # whatever it is, the others go on and this one has failed
        say(f"{log.read_text() if log.exists() else ''}\nFAILED: {name}: {error!r} (its output is above, and in {log})")
        return False
    finally:
        beating.set()
    passed.write_text(log.read_text())
    say(f"  {name}: passed in {time.monotonic() - began:.0f} s")
    return True


def _tell_of(name: str, log: Path, began: float, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        say(f"  {name}: {time.monotonic() - began:.0f} s, {lines[-1].strip()[:100] if lines else 'preparing'}")


if __name__ == "__main__":
    main()
