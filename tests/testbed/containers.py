"""What containers leave on the machine outside the folder of their test bed, and its removal: for `ending`."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.processes import wait_until

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Mark:
    """The name by which cgroups and addresses of one test bed are known again."""

    name: str

    def create(self) -> None:
        """Makes its cgroup, in each hierarchy: the kubelet wants to find it."""
        for hierarchy in _hierarchies():
            (hierarchy / self.name).mkdir(exist_ok=True)

    def remove(self) -> None:
        """Removes its cgroups, from the inside out, and what the CNI plugins noted of its network."""
        for hierarchy in _hierarchies():
            for folder, _, _ in os.walk(hierarchy / self.name, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()
        for note in Path("/var/lib/cni/results").glob(f"{self.name}-*"):
            note.unlink()


def mark(folder: Path) -> Mark:
    """The mark of the test bed in a folder."""
    return Mark(f"testbed-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}")


def end_containers(folder: Path) -> None:
    """Kills containers and takes away their mounts, cgroups, links and addresses; `folder` is absolute."""
    _kill(str(folder / "containerd.sock"))
    _unmount(folder)
    mark(folder).remove()
    for file in folder.glob("containerd/state/*/*/*/address"):
        _forget(file.parent.name, Path(file.read_text().removeprefix("unix://")))
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(folder):
            link.unlink()
    for file in folder.glob("loopback-address"):
        subprocess.run(["ip", "address", "del", f"{file.read_text()}/32", "dev", "lo"], check=False)


def left_of(folder: Path) -> list[str]:
    """What is still there of an ended test bed: processes, mounts and cgroups that name it; `folder` is absolute."""
    commands = {pid: text.replace("\0", " ") for pid, text in _proc("cmdline")}
    processes = [f"{pid}: {command}" for pid, command in commands.items() if f"{folder}/" in command]
    cgroups = [str(place) for each in _hierarchies() if (place := each / mark(folder).name).exists()]
    return [*processes, *_mounts(folder), *cgroups]


def runs(program: str) -> bool:
    """Whether some process of this machine has that name, and has not ended."""
    return any(f"({program})" in text and _lives(text) for _, text in _proc("stat"))


def _forget(container: str, socket: Path) -> None:
    socket.unlink(missing_ok=True)
    for notes in (Path("/run/containerd/runc/k8s.io"), Path("/var/lib/cni/results")):
        for note in notes.glob(f"*{container}*"):
            shutil.rmtree(note) if note.is_dir() else note.unlink()


def _kill(socket: str) -> None:
    """Containers outlive containerd: each is a child of a shim, which names our socket."""
    commands = {pid: text.split("\0") for pid, text in _proc("cmdline")}
    doomed = found = {pid for pid, words in commands.items() if "shim" in words[0] and socket in words}
    while found:
        found = {pid for pid, text in _proc("stat") if _parent(text) in found} - doomed
        doomed = doomed | found
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(pid in doomed and _lives(text) for pid, text in _proc("stat")), "the end of containers")


def _unmount(folder: Path) -> None:
    for mount in reversed(_mounts(folder)):
        subprocess.run(["umount", "--lazy", mount], check=False)


def _mounts(folder: Path) -> list[str]:
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [place for place in places if place.startswith(f"{folder}/")]


def _hierarchies() -> list[Path]:
    """One with version 2 of cgroups, one for each controller with version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [folder for folder in CGROUPS.iterdir() if folder.is_dir() and not folder.is_symlink()]


def _proc(name: str) -> Iterator[tuple[int, str]]:
    """Of each process its PID and a file of /proc/PID; one that just ended is left out."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                yield int(folder.name), (folder / name).read_text(errors="replace")


def _parent(stat: str) -> int:
    return int(stat.rpartition(")")[2].split()[1])


def _lives(stat: str) -> bool:
    return stat.rpartition(")")[2].split()[0] not in "ZX"
