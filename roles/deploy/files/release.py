# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts an artifact into production in one step, after it has shown that it works. Called by the role.

FOLDER/releases holds every release, FOLDER/current is a symbolic link to the one in force. The link is exchanged
atomically and only when the digest is right and the smoke test has passed; otherwise everything stays as it was. Doing
it again changes nothing. Prints one JSON object: `location`, `digest`, `previous`, `changed`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


class ReleaseError(Exception):
    """The release can't be made; production is as it was. The text says why."""


def digest_of(path):
    """`sha256:...` of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def install(artifact, expected, releases):
    """Copies the artifact into the releases, whole or not at all."""
    release = releases / artifact.name
    if release.exists() and digest_of(release) == (expected or digest_of(artifact)):
        return release
    with tempfile.NamedTemporaryFile(dir=releases, prefix=".new-", delete=False) as file:
        copy = Path(file.name)
        try:
            with artifact.open("rb") as source:
                shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
            found = digest_of(copy)
            if expected and found != expected:
                raise ReleaseError(f"{artifact} was changed after the build: it is {found}, the build made {expected}")
            copy.chmod(0o755)
            return copy.replace(release)
        finally:
            copy.unlink(missing_ok=True)


def smoke_test(release, arguments, timeout):
    """The release must run with these arguments and end well."""
    command = [sys.executable, str(release), *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(f"the smoke test of {release.name} did not end within {timeout:g} s") from error
    if done.returncode:
        raise ReleaseError(f"the smoke test of {release.name} ended with {done.returncode}")


def switch(current, release):
    """Makes `current` point to the release; there is no moment at which it points to nothing."""
    with tempfile.TemporaryDirectory(dir=current.parent, prefix=".switch-") as folder:
        link = Path(folder, "current")
        link.symlink_to(release.relative_to(current.parent))
        link.replace(current)


def make(options):
    """What is in production now, and what was before."""
    into, artifact = Path(options.into), Path(options.artifact)
    if into.is_file():  # released before: the output already names FOLDER/releases/FILE
        into = into.parent.parent
    releases, current = into / "releases", into / "current"
    releases.mkdir(parents=True, exist_ok=True)
    previous = str(current.resolve()) if current.is_symlink() else ""
    release = install(artifact, options.digest, releases).resolve()
    if options.check:
        smoke_test(release, options.check, options.timeout)
    if previous != str(release):
        switch(current, releases / release.name)
    location, changed = str(release), previous != str(release)
    return {"location": location, "digest": digest_of(release), "previous": previous, "changed": changed}


def main():
    """Reads the arguments; all of them are data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", required=True, help="file to be released")
    parser.add_argument("--digest", default="", help="sha256:... that it must have")
    parser.add_argument("--into", required=True, help="folder of the production environment")
    parser.add_argument("--timeout", type=float, default=60, help="seconds that the smoke test may take")
    parser.add_argument("check", nargs="*", help="arguments with which the release tries itself out")
    options = parser.parse_args()
    if not (options.artifact and options.into):
        raise ReleaseError(
            "there is nothing to release: bind a variable with a location to the input 'app', and one whose location "
            "is a folder to the output 'app_tagged'"
        )
    print(json.dumps(make(options)))


if __name__ == "__main__":
    try:
        main()
    except (ReleaseError, OSError) as problem:
        sys.exit(f"{problem}")
