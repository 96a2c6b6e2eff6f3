"""What is said of a playbook before Ansible is asked."""

from __future__ import annotations

from pathlib import Path

from kabanero.executors.ansible.playbooks import objection_to


def test_nothing_speaks_against_a_playbook_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "build.yml").write_text("[]")
    assert objection_to("build.yml", tmp_path) is None


def test_only_ansible_can_look_up_an_fqcn(tmp_path: Path) -> None:
    assert objection_to("acme.shop.build", tmp_path) is None


def test_a_playbook_that_is_not_there_is_told_with_the_likely_fix(tmp_path: Path) -> None:
    objection = objection_to("biuld.yml", tmp_path)
    assert objection and (objection.reason, "--project-dir" in objection.message) == ("PlaybookNotFound", True)


def test_the_playbook_beside_it_that_was_meant_is_named(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "build.yml").write_text("[]")
    objection = objection_to("ci/build.yaml", tmp_path)
    assert objection and objection.message.endswith("(did you mean ci/build.yml?)")


def test_a_path_may_not_lead_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "secret.yml").write_text("[]")
    (tmp_path / "project").mkdir()
    objection = objection_to("../secret.yml", tmp_path / "project")
    assert objection and "outside the project folder" in objection.message


def test_a_link_that_leads_to_itself_is_no_playbook(tmp_path: Path) -> None:
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    objection = objection_to("loop.yml", tmp_path)
    assert objection and objection.reason == "PlaybookUnreadable"


ASKS = "- hosts: localhost\n  vars_prompt:\n    - {name: %s}\n  tasks: []\n"


def test_a_playbook_that_asks_for_something_is_told_before_it_waits_for_an_answer(tmp_path: Path) -> None:
    (tmp_path / "ask.yml").write_text(ASKS % "version")
    objection = objection_to("ask.yml", tmp_path)
    assert objection and objection.reason == "PlaybookPrompts"
    assert "asks for version by vars_prompt" in objection.message


def test_ansible_does_not_ask_for_what_every_stage_is_given(tmp_path: Path) -> None:
    (tmp_path / "ask.yml").write_text(ASKS % "contextID")
    assert objection_to("ask.yml", tmp_path) is None


def test_a_playbook_with_vars_prompt_is_read_over_tags_and_left_to_ansible_when_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "vault.yml").write_text("- hosts: all\n  vars: {a: !vault xx}\n  vars_prompt: []\n")
    (tmp_path / "broken.yml").write_text("- vars_prompt: [\n")
    assert [objection_to(name, tmp_path) for name in ("vault.yml", "broken.yml")] == [None, None]
