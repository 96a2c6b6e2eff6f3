"""Text from outside must not reach a terminal as anything but text."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.cli.text import age, duration, fitted, is_hostile, one_line, safe, safe_log, span


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\e[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("Größe 日本 ✔", "Größe 日本 ✔"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_and_direction_characters_are_written_as_escapes(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_safe_text_can_be_printed_and_holds_nothing_hostile(text: str) -> None:
    assert not is_hostile(safe(text))
    safe(text).encode()


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_a_log_keeps_its_colours_on_a_terminal_and_loses_them_elsewhere() -> None:
    line = "\x1b[0;32mok: [localhost]\x1b[0m"
    assert safe_log(line, colours=True) == line
    assert safe_log(line, colours=False) == "ok: [localhost]"


def test_a_log_can_not_move_the_cursor_or_set_the_title() -> None:
    assert safe_log("\x1b[2J\x1b]0;owned\x07", colours=True) == "\\e[2J\\e]0;owned\\x07"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0ms"), (0.84, "840ms"), (4.2, "4.2s"), (59.96, "1m00s"), (72, "1m12s"), (11100, "3h05m"), (187200, "2d04h")],
)
def test_a_duration_is_short_and_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_span_goes_on_until_now_while_there_is_no_end() -> None:
    now = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    assert span("2026-05-01T12:00:00Z", None, now) == "30.0s"
    assert span("2026-05-01T12:00:00Z", "2026-05-01T12:00:02Z", now) == "2.0s"
    assert span("2026-05-01T12:00:00Z", "2026-05-01T12:00:00Z", now) == "<1s"
    assert span(None, None, now) == ""


def test_a_time_that_can_not_be_read_has_no_age() -> None:
    assert age("yesterday", datetime.now(UTC)) == ""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_long_line_goes_on_indented_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = "there is no folder /srv/kabanero/playbooks/of/the/team here"
    assert fitted(text, Terminal(), used=7).splitlines() == [
        "there is no folder",
        "  /srv/kabanero/playbooks/of/the/team",
        "  here",
    ]


def test_lines_of_a_message_stay_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert fitted("one\n\ntwo", Terminal()) == "one\n  \n  two"


def test_what_is_no_terminal_gets_lines_as_they_are() -> None:
    assert fitted("word " * 40, io.StringIO()) == "word " * 40
