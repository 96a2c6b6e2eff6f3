"""The runner's image, made from the Containerfile of this checkout: for tests whose pods are real.

No registry is asked. The base is a Debian of its own packages, made by debootstrap; buildah carries the Containerfile
out on it, without a daemon. Steps whose files did not change are kept in our cache: the packages of the image come
over the network only once.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.testbed import parts
from tests.testbed.build import BuildError, alone
from tests.testbed.debian import IMAGE_PACKAGES, missing_packages

ROOT = Path(__file__).parents[2]
RELEASE = "bookworm"
BASE = f"localhost/debian:{RELEASE}"
MADE = "localhost/kabanero-made:1"
"""The Containerfile's first stage: its steps are kept because it has a name."""
RUNNER = "localhost/kabanero-runner:1"
FOLDER = parts.CACHE / "runner-image"
BUILD_SECONDS = 1800
HOST_CA = "/run/host-ca.pem"


def lacking() -> list[str]:
    """What is not here of all that is needed to make it."""
    needed = [*missing_packages(IMAGE_PACKAGES), *(["the rights of root"] if os.geteuid() else [])]
    return needed or ([] if _there(BASE) else [f"the base image {BASE}"])


def build_base() -> None:
    """Makes the base when it is not there yet; raises BuildError."""
    with alone(FOLDER):
        if _there(BASE):
            return
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            root = Path(folder) / "root"
            _run("debootstrap", "--variant=minbase", RELEASE, str(root))
            _buildah("bud", f"--tag={BASE}", "--file=-", str(root), stdin="FROM scratch\nCOPY . /\n")


def build_runner(archive: Path, reference: str) -> None:
    """Writes the image to an archive that containerd takes as `reference`; raises BuildError."""
    with alone(FOLDER), _settings_of_pip() as mounts:
        _buildah("rm", "--all")  # What a build that was killed has left would be in the way for good.
        common = ("bud", "--isolation=chroot", "--layers", "--pull-never", f"--build-arg=BASE={BASE}", *mounts)
        _buildah(*common, "--target=made", f"--tag={MADE}", str(ROOT))
        _buildah(*common, f"--tag={RUNNER}", str(ROOT))
        _buildah("push", "--quiet", RUNNER, f"docker-archive:{archive}:{reference}")
        _buildah("rmi", "--prune")


@contextmanager
def _settings_of_pip() -> Iterator[list[str]]:
    """How pip reaches its index from this machine, as mounts: only the steps see them, the image does not."""
    listed = _run("python3", "-m", "pip", "config", "list")
    pairs = [line.partition("=") for line in listed.splitlines()]
    settings = {name.rpartition(".")[2]: " ".join(shlex.split(value)) for name, _, value in pairs}
    usual = {name: settings[name] for name in ("index-url", "extra-index-url", "trusted-host") if name in settings}
    mounts = []
    if "cert" in settings:
        mounts, usual["cert"] = [f"--volume={settings['cert']}:{HOST_CA}:ro"], HOST_CA
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[global]\n" + "".join(f"{name} = {value}\n" for name, value in usual.items()))
        file.flush()
        yield [*mounts, f"--volume={file.name}:/etc/pip.conf:ro"]


def _there(image: str) -> bool:
    if not FOLDER.exists():
        return False
    names = [name for each in json.loads(_buildah("images", "--json") or "[]") or [] for name in each["names"] or []]
    return image in names


def _buildah(command: str, *arguments: str, stdin: str = "") -> str:
    storage = ["--storage-driver=overlay", f"--root={FOLDER / 'storage'}", f"--runroot={FOLDER / 'run'}"]
    return _run("buildah", *storage, command, *arguments, stdin=stdin)


def _run(*command: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["nice", *command], input=stdin, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout)[-4000:]}")
    return done.stdout
