"""What runs the collection: ansible-test with sanity and the tests it knows, and molecule."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.testbed.cluster import SimulatedCluster
from tools.quality import archive, foreign
from tools.quality.place import NotHereError, Place

BOOTSTRAP = "import ensurepip; ensurepip.bootstrap(upgrade=True)\n"
"""In place of the script by which ansible-test would fetch pip from elsewhere; Python brings one."""
BOOTSTRAP_VERSIONS = ("24_2", "25_2")


def sanity(place: Place) -> None:
    """What users would get, installed where they would have it, and our (empty) lists of exceptions beside it."""
    root = archive.install(place, place.folder / "installed", archive.build(place))
    shutil.copytree(place.root / "tests", root / "tests")
    _ansible_test(place, root, "sanity")


def units(place: Place) -> None:
    """The unit tests of plugins, loaded from the collection as Ansible loads it."""
    _ansible_test(place, place.root, "units", "--num-workers", "1")


def integration(place: Place) -> None:
    """The playbooks that hold the modules' promises, by the ansible-core of this environment."""
    _ansible_test(place, place.root, "integration", "modules")


def molecule(scenario: str, place: Place) -> None:
    """One scenario, with `kabanero` of the environment that we run in."""
    if "cluster_" in (place.root / "extensions" / "molecule" / scenario / "molecule.yml").read_text():
        _demand_cluster()
    foreign.link(place)
    place.run(
        *("molecule", "test", "--scenario-name", scenario),
        MOLECULE_EPHEMERAL_DIRECTORY=str(place.folder / "molecule"),
    )


def _demand_cluster() -> None:
    if lacking := SimulatedCluster.lacking():
        raise NotHereError(f"{', '.join(lacking)} of the test bed is not here: `make testbed` builds it")


def _ansible_test(place: Place, root: Path, command: str, *arguments: str) -> None:
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in BOOTSTRAP_VERSIONS:
        if not (script := cache / f"get_pip_{version}.py").exists():
            script.write_text(BOOTSTRAP)
    collections = str(root.parents[2])
    place.run(
        *("ansible-test", command, "--python", place.python_version(), "--color", "no", *arguments),
        cwd=root,
        ANSIBLE_COLLECTIONS_PATH=collections,
    )
