"""What the module `webhook` decides without a forge: marks of secrets, families of events, and how long to wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.kabanero.events.plugins.module_utils.forge import ForgeError, patiently, pause_of
from ansible_collections.kabanero.events.plugins.module_utils.hooks import Hook, gathered, secret_id, split_mark
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
URLS = st.builds(
    "https://ci.example.com/webhook{}".format,
    st.sampled_from(["", "?", "?team=shop", "?a=1&b=%20c&d", "?a=&a=2", "?q=secret-identity"]),
)


@given(url=URLS, mark=st.from_regex(r"[0-9a-f]{8}", fullmatch=True))
def test_a_mark_is_found_again_and_the_url_beside_it_is_as_it_was(url: str, mark: str) -> None:
    address = Hook(url, frozenset(), mark=mark).address
    assert address != url
    assert split_mark(address) == (url, mark)


@given(url=URLS)
def test_a_url_without_a_mark_is_left_as_it_is(url: str) -> None:
    assert split_mark(url) == (url, "")


def test_a_mark_tells_secrets_and_urls_apart() -> None:
    marks = {secret_id(secret, url) for secret in ("one", "two") for url in ("https://a", "https://b")}
    assert len(marks) == 4
    assert secret_id("one", "https://a") == secret_id("one", "https://a")


def test_giteas_many_events_are_the_family_that_was_asked_for() -> None:
    told = ["push", "pull_request", "pull_request_sync", "pull_request_review", "issue_comment"]
    assert {*gathered(told, {"push", "pull_request"})} == {"push", "pull_request", "issue_comment"}


def test_a_family_that_was_not_asked_for_is_told_one_by_one() -> None:
    assert gathered(["pull_request_sync", "issue_comment"], {"issue_comment"}) == ["pull_request_sync", "issue_comment"]


@pytest.mark.parametrize(
    ("status", "headers", "said", "wait"),
    [
        (403, {"Retry-After": "7"}, "", 7.0),
        (429, {"retry-after": "7"}, "", 7.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000030"}, "API rate limit exceeded", 31.0),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "999000"}, "API rate limit exceeded", 1.0),
        (403, {"X-RateLimit-Remaining": "12"}, "You have exceeded a secondary rate limit", 60.0),
        (429, {}, "", 60.0),
        (403, {"X-RateLimit-Remaining": "12"}, "Resource not accessible by personal access token", None),
        (404, {}, "Not Found", None),
        (422, {}, "Validation Failed", None),
        (502, {}, "Server Error", 0.0),
    ],
)
def test_a_refusal_says_how_long_to_wait(status: int, headers: dict[str, str], said: str, wait: float | None) -> None:
    assert pause_of(status, headers, said, now=lambda: NOW) == wait


class Clock:
    """Time that passes by pauses alone."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def failing(*waits: float | None) -> Callable[[], str]:
    left = list(waits)

    def act() -> str:
        if left:
            raise ForgeError("no", again_after=left.pop(0))
        return "done"

    return act


def test_patience_waits_as_long_as_it_was_told() -> None:
    clock = Clock()
    assert patiently(failing(7.0, 0.0, 0.0), 60, lambda: clock.now, clock.pause) == "done"
    assert clock.pauses == [7.0, 1.0, 2.0]


@pytest.mark.parametrize("waits", [(None,), (61.0,), (0.0, 0.0, 0.0, 0.0), (40.0, 40.0)])
def test_patience_ends_where_waiting_is_of_no_use_or_takes_too_long(waits: tuple[float | None, ...]) -> None:
    clock = Clock()
    with pytest.raises(ForgeError):
        patiently(failing(*waits), 60, lambda: clock.now, clock.pause)
    assert clock.now <= 60
