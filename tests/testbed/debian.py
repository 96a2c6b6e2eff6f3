"""What only the distribution has and real pods need: Debian packages, and the rights of root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.testbed.parts import PartMissingError

CNI = Path("/usr/lib/cni")
PACKAGES = {
    "containerd": Path("/usr/bin/containerd"),
    "runc": Path("/usr/sbin/runc"),
    "containernetworking-plugins": CNI / "ptp",
    "busybox-static": Path("/bin/busybox"),
    "iproute2": Path("/sbin/ip"),
}
IMAGE_PACKAGES = {"buildah": Path("/usr/bin/buildah"), "debootstrap": Path("/usr/sbin/debootstrap")}
"""What makes the runner's image."""
INSTALL_SECONDS = 600


def missing_packages(wanted: Mapping[str, Path] = PACKAGES) -> list[str]:
    """The packages that are not installed."""
    return [package for package, file in wanted.items() if not file.exists()]


def install_packages(wanted: Mapping[str, Path] = PACKAGES) -> None:
    """Installs those that are missing; raises PartMissingError with the command when that is not ours to do."""
    if not (packages := missing_packages(wanted)):
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() or not shutil.which("apt-get"):
        raise PartMissingError(f"packages are missing: sudo {' '.join(command)}")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for each in (["apt-get", "update"], command):
        done = subprocess.run(each, env=env, timeout=INSTALL_SECONDS, check=False, capture_output=True, text=True)
        if done.returncode:
            raise PartMissingError(f"{' '.join(each)} failed:\n{(done.stderr or done.stdout)[-2000:]}")
