"""build_commit.py and release.py on a real git repository and real files."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.collection.sample import SampleRepository
from tests.support.collection import ROOT

ROLES = {"build_commit.py": "build", "release.py": "deploy"}
BUILD = (sys.executable, "build.py")


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    file = ROOT / "roles" / ROLES[name] / "files" / name
    command = [sys.executable, str(file), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def build(repository: object, revision: str, into: Path, *command: str) -> Any:
    """What build_commit.py says of the artifact."""
    options = (f"--repository={repository}", f"--revision={revision}", f"--into={into}", "--")
    done = script("build_commit.py", *options, *(command or BUILD))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(repository: object, revision: str, into: Path, *command: str) -> str:
    options = (f"--repository={repository}", f"--revision={revision}", f"--into={into}", "--")
    done = script("build_commit.py", *options, *(command or BUILD))
    assert done.returncode == 1
    return done.stderr


def release(artifact: object, into: Path, *check: str, digest: str = "") -> subprocess.CompletedProcess[str]:
    return script("release.py", f"--artifact={artifact}", f"--digest={digest}", f"--into={into}", "--", *check)


@pytest.fixture
def repository(tmp_path: Path) -> SampleRepository:
    return SampleRepository(tmp_path / "repository")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """A program that ends well."""
    path = tmp_path / "program-1.py"
    path.write_text("import sys\n")
    return path


def test_builds_exactly_the_commit(repository: SampleRepository, tmp_path: Path) -> None:
    first = repository.commit
    repository.change("hello_service/__init__.py", 'VERSION = "1.0.0"', 'VERSION = "2.0.0"')
    made = build(repository.path, first, tmp_path / "out")
    assert made["commit"] == first
    assert Path(made["location"]).name == f"hello-service-1.0.0+{first[:12]}.pyz"


def test_the_digest_is_that_of_the_artifact(repository: SampleRepository, tmp_path: Path) -> None:
    made = build(repository.path, repository.commit, tmp_path / "out")
    assert made["digest"] == "sha256:" + hashlib.sha256(Path(made["location"]).read_bytes()).hexdigest()


def test_one_commit_gives_the_same_bytes_every_time(repository: SampleRepository, tmp_path: Path) -> None:
    one, other = (build(repository.path, repository.commit, tmp_path / name)["digest"] for name in ("one", "other"))
    assert one == other


def test_the_artifact_knows_its_commit(repository: SampleRepository, tmp_path: Path) -> None:
    made = build(repository.path, repository.commit, tmp_path / "out")
    done = subprocess.run([sys.executable, made["location"], "--check"], capture_output=True, text=True, check=True)
    assert repository.commit[:12] in done.stdout


def test_a_branch_with_a_slash_can_be_built(repository: SampleRepository, tmp_path: Path) -> None:
    repository.git("checkout", "-q", "-b", "feature/größe")
    commit = repository.change("README.md", "hello-service", "hello")
    repository.git("checkout", "-q", "master")
    assert build(repository.path, "feature/größe", tmp_path / "out")["commit"] == commit


def test_nothing_but_the_artifact_is_left(repository: SampleRepository, tmp_path: Path) -> None:
    made = build(repository.path, repository.commit, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == [Path(made["location"])]


def test_building_again_when_the_output_already_names_the_artifact(
    repository: SampleRepository, tmp_path: Path
) -> None:
    made = build(repository.path, repository.commit, tmp_path / "out")
    assert build(repository.path, repository.commit, Path(made["location"])) == made


def test_hooks_are_not_run(repository: SampleRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (template / "post-checkout").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    build(repository.path, repository.commit, tmp_path / "out")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "revision", ["--help", "-b x", "$(touch ran)", "{{ lookup('pipe', 'touch ran') }}", "master\n"]
)
def test_a_hostile_revision_is_just_a_revision_that_is_not_there(
    repository: SampleRepository, tmp_path: Path, revision: str
) -> None:
    assert "no commit, branch or tag" in refusal(repository.path, revision, tmp_path / "out")


@pytest.mark.parametrize("address", ["--upload-pack=touch ran", "ext::sh -c touch% ran"])
def test_a_hostile_address_is_not_run(tmp_path: Path, address: str) -> None:
    assert "git clone" in refusal(address, "master", tmp_path / "out")
    assert not list(tmp_path.rglob("ran"))


def test_a_build_that_fails_leaves_nothing(repository: SampleRepository, tmp_path: Path) -> None:
    commit = repository.change("hello_service/app.py", "import argparse", "import argparse(")
    assert "SyntaxError" in refusal(repository.path, commit, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_build_command_that_makes_nothing_is_told_so(repository: SampleRepository, tmp_path: Path) -> None:
    assert "left 0 files in ARTIFACT_DIR" in refusal(repository.path, "master", tmp_path / "out", "true")


def test_a_build_command_that_is_not_there_is_named(repository: SampleRepository, tmp_path: Path) -> None:
    assert "no-such-tool can't be started" in refusal(repository.path, "master", tmp_path / "out", "no-such-tool")


def test_a_build_without_a_repository_says_what_to_bind(tmp_path: Path) -> None:
    assert "bind a variable with location and commit to the input 'source'" in refusal("", "", tmp_path)


def test_a_release_is_in_force_after_its_check(artifact: Path, tmp_path: Path) -> None:
    done = json.loads(release(artifact, tmp_path / "production", "--check").stdout)
    assert (tmp_path / "production" / "current").resolve() == Path(done["location"])
    assert done["changed"]


def test_releasing_again_changes_nothing(artifact: Path, tmp_path: Path) -> None:
    first = json.loads(release(artifact, tmp_path / "production").stdout)
    again = json.loads(release(artifact, Path(first["location"])).stdout)
    assert (again["location"], again["changed"]) == (first["location"], False)


def test_the_release_before_stays_and_is_named(artifact: Path, tmp_path: Path) -> None:
    first = json.loads(release(artifact, tmp_path / "production").stdout)
    second = json.loads(release(artifact.rename(tmp_path / "program-2.py"), tmp_path / "production").stdout)
    assert second["previous"] == first["location"]
    assert Path(first["location"]).exists()


def test_an_artifact_that_was_changed_since_the_build_is_refused(artifact: Path, tmp_path: Path) -> None:
    done = release(artifact, tmp_path / "production", digest="sha256:" + "0" * 64)
    assert done.returncode == 1
    assert "was changed after the build" in done.stderr
    assert not (tmp_path / "production" / "current").exists()


def test_a_release_that_fails_its_check_is_not_put_in_force(artifact: Path, tmp_path: Path) -> None:
    good = json.loads(release(artifact, tmp_path / "production", "--check").stdout)
    bad = tmp_path / "program-2.py"
    bad.write_text("raise SystemExit(3)\n")
    done = release(bad, tmp_path / "production", "--check")
    assert "smoke test of program-2.py ended with 3" in done.stderr
    assert (tmp_path / "production" / "current").resolve() == Path(good["location"])
