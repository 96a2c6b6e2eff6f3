"""What a driver makes of its playbook's events: the log, the result, and nothing of the secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kabanero.executors.ansible.job import Job
from kabanero.executors.ansible.observing import Observer
from kabanero.ports import WorkStatus

SECRET = 'pa"ss\\wörd'


def job(**environment: str) -> Job:
    return Job("a.1", "/f", "/p", "p.yml", {}, environment, 0, 0, 100)


def observer(tmp_path: Path, *, limit: int = 1000, secrets: list[str] | None = None) -> tuple[Observer, list[str]]:
    news: list[str] = []
    seen = Observer(tmp_path / "log", limit, secrets or [], lambda event, task, host: news.append(task))
    return seen, news


def stats(report: dict[str, Any] | None = None, **counts: dict[str, int]) -> dict[str, Any]:
    return {
        "event": "playbook_on_stats",
        "event_data": {**counts, "artifact_data": {"kabanero_stage_result": report} if report else {}},
    }


@pytest.mark.parametrize("name", ["API_KEY", "token", "DB_PASSWORD", "MY_SECRET", "GIT_CREDENTIALS", "SSH_PASSPHRASE"])
def test_values_of_variables_with_telling_names_are_secrets(name: str) -> None:
    assert "s3cret-value" in job(**{name: "s3cret-value"}).secrets()


def test_ordinary_and_very_short_values_are_no_secrets() -> None:
    assert job(KEYBOARD="qwertz", PATH="/bin", TOKEN="ab").secrets() == []


@pytest.mark.parametrize(
    "written", [SECRET, 'pa\\"ss\\\\wörd', 'pa\\"ss\\\\w\\u00f6rd', 'pa\\\\\\"ss\\\\\\\\w\\\\u00f6rd']
)
def test_a_secret_is_hidden_however_often_it_was_written_as_json(tmp_path: Path, written: str) -> None:
    seen, news = observer(tmp_path, secrets=job(MY_PASSWORD=SECRET).secrets())
    seen.event({"event": "runner_on_start", "stdout": f"it is {written}!", "event_data": {"task": f"use {SECRET}"}})
    seen.event(stats({"status": "Success", "message": written, "outputs": {written: [written]}}))
    result = seen.result(0)
    assert (tmp_path / "log").read_text().splitlines()[0] == "it is ********!"
    assert (result.message, result.outputs, news) == ("********", {"********": ["********"]}, ["use ********"])


def test_the_log_is_cut_once_with_a_word_about_it(tmp_path: Path) -> None:
    seen, _ = observer(tmp_path, limit=10)
    for _ in range(5):
        seen.event({"event": "verbose", "stdout": "123456"})
    log = (tmp_path / "log").read_text()
    assert log.startswith("123456\n123")
    assert log.count("not kept") == 1


def test_a_failure_that_was_to_be_ignored_is_not_the_reason(tmp_path: Path) -> None:
    seen, _ = observer(tmp_path)
    failure = {"event": "runner_on_failed", "event_data": {"task": "A", "res": {"msg": "real"}}}
    seen.event(failure)
    seen.event({"event": "runner_on_failed", "event_data": {"task": "B", "res": {"msg": "no"}, "ignore_errors": True}})
    seen.event(stats(failures={"localhost": 1}))
    assert seen.result(2).message == "task A: real"


def test_an_unreachable_host_fails_the_stage(tmp_path: Path) -> None:
    seen, _ = observer(tmp_path)
    seen.event(stats({"status": "Success"}, dark={"far": 1}))
    assert seen.result(4).status is WorkStatus.FAILED


def test_without_a_recap_ansible_never_began_and_its_words_say_why(tmp_path: Path) -> None:
    seen, _ = observer(tmp_path)
    seen.event({"event": "error", "stdout": "\x1b[0;31mERROR! the playbook: x could not be found\x1b[0m"})
    result = seen.result(1)
    assert (result.status, result.reason) == (WorkStatus.ERRORED, "PlaybookNotFound")
    assert result.message == "ERROR! the playbook: x could not be found"


def test_words_that_are_no_unicode_can_be_written_down(tmp_path: Path) -> None:
    seen, _ = observer(tmp_path)
    seen.event({"event": "runner_on_failed", "event_data": {"task": "A", "res": {"msg": "bad \udcff byte"}}})
    seen.event(stats(failures={"localhost": 1}))
    assert seen.result(2).message == "task A: bad ? byte"


def test_a_log_that_can_not_be_written_does_not_break_the_work_off(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    seen, _ = observer(tmp_path)
    seen.event({"event": "verbose", "stdout": "much"})
    seen.event(stats({"status": "Success"}))
    assert seen.result(0).status is WorkStatus.SUCCEEDED
