"""What passes between a function and the keeper of its StageRun."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.stages.wire import Wire


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def wire(heard: list[str]) -> Wire:
    return Wire(lambda: heard.append("news"))


def test_what_is_told_is_news_until_it_is_shown(wire: Wire, heard: list[str]) -> None:
    wire.tell("progress", {"percent": 1})
    told, number = wire.news()
    wire.tell("links", {"log": "x"})
    wire.shown(number)
    assert (told, wire.has_news, heard) == ({"progress": {"percent": 1}}, True, ["news", "news"])
    wire.shown(wire.news()[1])
    assert not wire.has_news


def test_more_is_told_beside_what_was_told(wire: Wire) -> None:
    wire.tell_more("links", {"log": "x"})
    wire.tell_more("links", {"report": "y"})
    assert wire.news()[0] == {"links": {"log": "x", "report": "y"}}


def test_a_cancel_is_told_once_and_keeps_its_first_reason(wire: Wire, heard: list[str]) -> None:
    wire.on_cancel(lambda: heard.append("cancelled"))
    wire.cancel("on request")
    wire.cancel("again")
    assert (wire.cancelled, wire.why, heard) == (True, "on request", ["cancelled"])


def test_who_asks_to_be_told_after_the_cancel_is_told_at_once(wire: Wire, heard: list[str]) -> None:
    wire.cancel("on request")
    wire.on_cancel(lambda: heard.append("cancelled"))
    assert heard == ["cancelled"]


def test_a_hook_that_was_taken_back_is_not_called(wire: Wire, heard: list[str]) -> None:
    take_back: Any = wire.on_cancel(lambda: heard.append("cancelled"))
    take_back()
    take_back()
    wire.cancel("on request")
    assert heard == []


def test_a_hook_that_fails_keeps_no_other_from_being_called(wire: Wire, heard: list[str]) -> None:
    wire.on_cancel(lambda: 1 / 0)
    wire.on_cancel(lambda: heard.append("second"))
    wire.cancel("on request")
    assert heard == ["second"]


def test_what_is_done_at_the_end_is_done_in_reverse(wire: Wire, heard: list[str]) -> None:
    for name in ("first", "second"):
        wire.on_end(lambda name=name: heard.append(name))
    wire.end()
    wire.end()
    assert heard == ["second", "first"]
