"""Finds the real collections kubernetes.core and awx.awx: environment, our cache; else PyPI's `ansible` package.

The package holds 100 collections in 54 MB; only those that tests need are unpacked. In CI
`python -m tests.support.foreign_collections` fills the cache before the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from tests.support.absent import absent
from tests.testbed.parts import CACHE

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "test-collections.txt"
WANTED = ("ansible_collections/kubernetes/core/", "ansible_collections/awx/awx/")
KUBERNETES_MODULE = "ansible_collections/kubernetes/core/plugins/modules/k8s.py"
AWX_MODULE = "ansible_collections/awx/awx/plugins/modules/job_launch.py"
DOWNLOAD_SECONDS = 300


@cache
def kubernetes_core() -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH. Skips the test when it can't be had, fails it in CI."""
    return _folder_with(KUBERNETES_MODULE, "kubernetes.core")


@cache
def awx_awx() -> Path:
    """The same for awx.awx."""
    return _folder_with(AWX_MODULE, "awx.awx")


def _folder_with(module: str, name: str) -> Path:
    named = os.environ.get("KABANERO_TEST_COLLECTIONS")
    for folder in (*([Path(named)] if named else []), CACHE / "collections"):
        if (folder / module).is_file():
            return folder
    try:
        fetch(CACHE / "collections")
    except (OSError, subprocess.SubprocessError) as error:
        absent(name, f"pip download --no-deps -r {REQUIREMENTS} must work ({error})")
    return CACHE / "collections"


def fetch(folder: Path) -> None:
    """Downloads the package and unpacks the collections."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary]
        subprocess.run([*command, "-r", str(REQUIREMENTS)], check=True, timeout=DOWNLOAD_SECONDS)
        [wheel] = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            package.extractall(folder, [name for name in package.namelist() if name.startswith(WANTED)])


if __name__ == "__main__":
    kubernetes_core()
    awx_awx()
