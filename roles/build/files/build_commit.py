# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks one commit out into a folder of its own, builds it there and stores what was made. Called by the role.

The build command sees COMMIT, SOURCE_DATE_EPOCH (time of the commit) and ARTIFACT_DIR, where it leaves one file. That
file is moved into the target folder in one step, so nobody ever reads half of it. Prints one JSON object: `location`,
`digest`, `commit`. Whatever goes wrong is one sentence on stderr, and status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# No prompts, no hooks, no transports that run commands: the repository's address came from outside.
GIT = ("git", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
GIT_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}


class BuildError(Exception):
    """The build can't be done; the text says why, and what would help."""


def git(*arguments, cwd=None):
    """What git printed; raises BuildError with what it complained of."""
    done = subprocess.run(
        [*GIT, *arguments], cwd=cwd, env={**os.environ, **GIT_ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"git {arguments[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def check_out(repository, revision, folder):
    """Puts the revision (a commit, else a branch or tag) into the folder; returns the commit."""
    git("clone", "--quiet", "--no-checkout", "--", repository, str(folder))
    for candidate in (revision, f"origin/{revision}"):
        with contextlib.suppress(BuildError):
            commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", candidate + "^{commit}", cwd=folder)
            git("checkout", "--quiet", "--detach", commit, cwd=folder)
            return commit
    raise BuildError(f"{repository} has no commit, branch or tag {revision!r}; was it pushed?")


def build(command, checkout, commit, target):
    """Runs the build command; returns the one file that it made."""
    time = git("show", "--no-patch", "--format=%ct", commit, cwd=checkout)
    environment = {**os.environ, "COMMIT": commit, "SOURCE_DATE_EPOCH": time, "ARTIFACT_DIR": str(target)}
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, stdout=sys.stderr, check=False)
    except OSError as error:
        raise BuildError(f"{command[0]} can't be started: {error.strerror}") from error
    if done.returncode:
        raise BuildError(f"{' '.join(command)} ended with {done.returncode}")
    made = list(target.iterdir())
    if len(made) != 1:
        raise BuildError(f"{' '.join(command)} left {len(made)} files in ARTIFACT_DIR; it must leave one")
    return made[0]


def make(options):
    """The artifact's location, digest and commit."""
    into = Path(options.into)
    if into.is_file():  # built before: the output already names the artifact
        into = into.parent
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".build-") as work:
        checkout, target = Path(work, "source"), Path(work, "artifact")
        target.mkdir()
        commit = check_out(options.repository, options.revision, checkout)
        made = build(options.command, checkout, commit, target)
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        stored = made.replace(into / made.name)
    return {"location": str(stored.resolve()), "digest": f"sha256:{digest}", "commit": commit}


def main():
    """Reads the arguments; all of them are data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", required=True, help="address or path of a git repository")
    parser.add_argument("--revision", required=True, help="commit, branch or tag")
    parser.add_argument("--into", required=True, help="folder that the artifact is stored in")
    parser.add_argument("command", nargs="+", help="build command and its arguments")
    options = parser.parse_args()
    if not (options.repository and options.revision and options.into):
        raise BuildError(
            "there is nothing to build: bind a variable with location and commit to the input 'source', and one whose "
            "location is a folder to the output 'image'"
        )
    print(json.dumps(make(options)))


if __name__ == "__main__":
    try:
        main()
    except (BuildError, OSError) as problem:
        sys.exit(f"{problem}")
