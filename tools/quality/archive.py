"""The tarball that Galaxy would get: it is built, looked into, installed, and judged."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tools.quality.place import CheckFailedError, Place

BELONGS = {
    *("CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *("changelogs", "config", "docs", "examples", "extensions", "meta", "playbooks", "plugins", "roles"),
}
"""What a collection may hold at its top. What else gets in is missing from `build_ignore` of galaxy.yml."""


def build(place: Place) -> Path:
    """Builds it from the tree and holds its content to the list above."""
    folder = place.folder / "dist"
    place.run("ansible-galaxy", "collection", "build", "--output-path", folder)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        top = {name.split("/")[0] for name in opened.getnames()}
    if foreign := top - BELONGS:
        raise CheckFailedError(f"the tarball holds {', '.join(sorted(foreign))}: add it to build_ignore of galaxy.yml")
    return archive


def install(place: Place, into: Path, archive: Path) -> Path:
    """Installs it as a user without a network would; returns where it is."""
    place.run(
        *("ansible-galaxy", "collection", "install", archive),
        *("--offline", "--no-deps", "--force", "--collections-path", into),
    )
    return into / "ansible_collections" / "kabanero" / "events"


def imported(place: Place) -> None:
    """What Galaxy does with an upload; its ansible-lint only warns, so the check `lint` is stricter."""
    place.run("python", "-m", "galaxy_importer.main", build(place), cwd=place.folder)


def content(place: Place) -> None:
    """That it holds what it should, which the build itself checks, and can be installed."""
    install(place, place.folder / "installed", build(place))


def environment(place: Place) -> None:
    """What an execution environment with the collection gets, as ansible-builder finds it."""
    found = {kind: place.folder / kind for kind in ("pip", "bindep")}
    wanted = (part for kind, file in found.items() for part in (f"--write-{kind}", file))
    place.run("ansible-builder", "introspect", "--sanitize", *wanted, place.root.parents[2])
    if empty := [kind for kind, file in found.items() if "kabanero.events" not in file.read_text()]:
        raise CheckFailedError(
            f"an execution environment gets nothing of ours for {' and '.join(empty)}: look into meta"
        )


def tutorial(place: Place) -> None:
    """The tutorial as a reader follows it who has the tarball and the runner's wheel, and no checkout."""
    dist = place.folder / "dist"
    pip = ("python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    place.run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", dist, ".")
    [wheel] = dist.glob("*.whl")
    place.run(*pip, "install", "--no-deps", "--force-reinstall", wheel)
    install(place, place.site_packages(), build(place))
    place.run("python", "-m", "pytest", "tests/integration/docs/test_guides.py", "-k", "tutorial")
