"""Writes requirements/runner.txt: of what is installed, what the runner needs when it runs. Run by `make lock`.

The image is made from that list; a test holds it to requirements/dev.txt.
"""

from __future__ import annotations

from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RUNNER = "kabanero-runner"
FILE = Path(__file__).parent.parent / "requirements" / "runner.txt"
HEAD = "# Made by `make lock`: the runner's own packages, for its image.\n"


def needed() -> list[str]:
    """Pins of all that the runner needs, directly or not."""
    found: dict[str, Distribution] = {}
    open_ends = _required(distribution(RUNNER))
    while open_ends:
        name = canonicalize_name(open_ends.pop())
        if name not in found:
            found[name] = distribution(name)
            open_ends += _required(found[name])
    return sorted((f"{each.name}=={each.version}" for each in found.values()), key=str.lower)


def _required(package: Distribution) -> list[str]:
    requirements = map(Requirement, package.requires or [])
    return [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]


def text() -> str:
    """What the file should hold."""
    return HEAD + "".join(f"{pin}\n" for pin in needed())


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
