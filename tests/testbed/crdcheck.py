"""Finds and builds tests/cluster/crdcheck, the API server's own checks as a program: for test_crds and the CLI."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tests.testbed.build import alone, go
from tests.testbed.parts import CACHE

SOURCE = Path(__file__).parents[1] / "cluster" / "crdcheck"


def place() -> Path:
    """Where it stands or would: as KABANERO_CRDCHECK says, else in our cache, by what its source says now."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(SOURCE.iterdir()) if file.is_file()))
    cached = CACHE / f"crdcheck-{digest.hexdigest()[:12]}" / "crdcheck"
    return Path(os.environ.get("KABANERO_CRDCHECK") or cached)


def build_crdcheck() -> Path:
    """Builds it when it is not there, three minutes the first time; raises BuildError."""
    with alone(CACHE):
        if not place().exists():
            place().parent.mkdir(parents=True, exist_ok=True)
            go(SOURCE, "build", "-trimpath", "-o", str(place()), ".")
    return place()
