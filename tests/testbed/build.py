"""Builds parts from the Go module proxy into our cache: for `make cluster-up`, `make test-cluster` and the CLI.

Each release is built as the main module of our own that imports its commands, so a `replace` of theirs
does not bind us. Two builds at once do not disturb each other: one waits for the other.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.testbed.releases import PROGRAMS, Release

BUILD_SECONDS = 3600
STAGED = re.compile(r"^\s*(\S+) => \./staging/", re.MULTILINE)
FORKED = re.compile(r"^(?:replace)?\s+(\S+ => \S+ v\S+)", re.MULTILINE)


class BuildError(Exception):
    """Go said no; the text ends with what it said."""


def build(programs: Iterable[str], cache: Path, say: Callable[[str], None] = print) -> None:
    """Builds those of `programs` that `cache` lacks, in the order given; raises BuildError."""
    wanted = list(programs)
    if not wanted:
        return
    if not shutil.which("go"):
        raise BuildError("go is not on PATH: install Go 1.26 or name ready programs by TEST_ASSET_*")
    with alone(cache):
        for program in wanted:
            release = PROGRAMS[program]
            if not (cache / release.folder / program).is_file():
                started = time.monotonic()
                say(f"building {program} of {release.folder} ...")
                _build(program, release, cache / release.folder)
                say(f"built {program} in {time.monotonic() - started:.0f} s")


@contextmanager
def alone(cache: Path) -> Iterator[None]:
    """Waits until no other process builds into `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(program: str, release: Release, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".build-") as folder:
        source = Path(folder)
        module = _module(release, source)
        go(
            source,
            "build",
            "-trimpath",
            "-ldflags",
            f"-s -w {release.linker}",
            "-tags",
            release.tags,
            "-o",
            program,
            release.commands[program],
            cgo=release.cgo,
        )
        _copy_files(release, Path(module["Dir"]), target)
        # The program comes last and at once: where it stands, its files stand too.
        (source / program).replace(target / program)


def _module(release: Release, source: Path) -> dict[str, Any]:
    """Writes the module of ours that imports the commands; answers what `go mod download` says of theirs."""
    head = f"module testbed/{release.name}\n\ngo {release.go}\n\nrequire {release.module} v{release.version}\n"
    imports = "".join(f'\t_ "{package}"\n' for package in release.commands.values())
    (source / "go.mod").write_text(head)
    (source / "tools.go").write_text(f"//go:build tools\n\npackage tools\n\nimport (\n{imports})\n")
    module: dict[str, Any] = json.loads(go(source, "mod", "download", "-json", f"{release.module}@v{release.version}"))
    if release.staged:
        published = f"v0.{release.version.partition('.')[2]}"
        names = STAGED.findall(Path(module["GoMod"]).read_text())
        lines = "".join(f"replace {name} => {name} {published}\n" for name in names)
        (source / "go.mod").write_text(head + lines)
    if release.forked:
        forks = FORKED.findall(Path(module["GoMod"]).read_text())
        (source / "go.mod").write_text(head + "".join(f"replace {fork}\n" for fork in forks))
    return module


def go(source: Path, *arguments: str, cgo: bool = False) -> str:
    """Standard output of one Go command in a module of ours; raises BuildError."""
    flags = f"{os.environ.get('GOFLAGS', '')} -mod=mod -buildvcs=false".strip()
    env = os.environ | {"CGO_ENABLED": str(int(cgo)), "GOFLAGS": flags, "GOWORK": "off"}
    command, limit = ["go", *arguments], BUILD_SECONDS
    done = subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, timeout=limit, check=False)
    if done.returncode:
        raise BuildError(f"go {' '.join(arguments)} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def _copy_files(release: Release, module: Path, target: Path) -> None:
    for origin, name in release.files.items():
        source, copy = module / origin, target / name
        if copy.exists():
            continue
        if source.is_dir():
            shutil.copytree(source, copy, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, copy)
