"""The guides do what they say: their blocks are run in order, against a real runner, as a reader would."""

from __future__ import annotations

import contextlib
import shutil

import pytest

from tests.integration.docs.reading import GUIDES, ON_A_CLUSTER, ROOT, blocks
from tests.integration.docs.session import Session
from tests.integration.docs.shape import looks_as
from tests.support.absent import absent
from tests.support.awx import FakeAwx, Script
from tests.support.collection import collections_path
from tests.support.foreign_collections import awx_awx
from tests.support.github_api import TOKEN, GithubApi
from tests.testbed import rulebook

OF_THE_CHECKOUT = ("examples", "playbooks")
HOME = "/home/you"
"""How guides call the folder that the reader works in."""
TOOLS = ("curl", "openssl", "kubectl")


HERE = [guide for guide in GUIDES if guide not in ON_A_CLUSTER]


@pytest.mark.parametrize("guide", HERE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_guide_does_what_it_says(guide, tmp_path):
    if missing := [tool for tool in TOOLS if tool in guide.read_text() and not shutil.which(tool)]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    folder = tmp_path / "reader"
    folder.mkdir()
    if guide.name == "README.md":
        for name in OF_THE_CHECKOUT:
            (folder / name).symlink_to(ROOT / name)
    # A reader has a GitHub, and an AWX where that is what the guide is about.
    with GithubApi({}, "/repos/acme/shop") as github, an_awx(guide) as awx:
        login = {"GITHUB_API_URL": github.url, "GITHUB_TOKEN": TOKEN} | awx
        if guide.name == "eda.md":
            login["ANSIBLE_COLLECTIONS_PATH"] = str(collections_path(tmp_path / "collections"))
        with Session(folder, **login) as session:
            if guide.name == "eda.md":
                install_rulebook(session)
            follow(guide, session)


@contextlib.contextmanager
def an_awx(guide):
    """What a reader needs to log in at it, and the collection for it."""
    if guide.name != "awx.md":
        yield {}
        return
    with FakeAwx() as awx:
        report = {"kabanero_stage_result": {"outputs": {"endpoint": "https://shop.example.com"}}}
        awx.template("Roll out", Script(artifacts=report), ask_limit_on_launch=True)
        login = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": awx.new_token()}
        application = awx.application("Kabanero events")
        token = awx.call(lambda: awx.people.issue(awx.tables.named("users", awx.user), application=application["id"]))
        login |= {"AWX_CLIENT_ID": application["client_id"], "AWX_CLIENT_SECRET": application["client_secret"]}
        login |= {"AWX_REFRESH_TOKEN": token["refresh_token"]}
        yield login | {"ANSIBLE_COLLECTIONS_PATH": str(awx_awx())}


def install_rulebook(session):
    """What a reader gets by `pip install ansible-rulebook`."""
    if missing := rulebook.lacking():
        absent(", ".join(missing), "make testbed")
    (session.programs / "ansible-rulebook").symlink_to(rulebook.program())


def follow(guide, session):
    """Runs the blocks of a guide, and holds what they print against what it shows."""
    printed = ""
    for block in blocks(guide):
        if "file" in block.marks:
            session.write(block)
        elif "run" in block.marks:
            printed, failures = session.run(block)
            printed = printed.replace(str(session.folder), HOME)
            wanted = [int(block.marks["run"].removeprefix("exit "))] if block.marks["run"] else []
            assert failures == wanted, f"{block}\n{block.text}\n{printed}"
        elif "output" in block.marks:
            shown = session.ported(block.text)
            assert looks_as(printed, shown), f"{block} shows\n{shown}\nbut it is\n{printed}"
