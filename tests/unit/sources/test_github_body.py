"""The body of a delivery: JSON or form, and bounded work on what nobody has verified yet."""

from __future__ import annotations

import urllib.parse

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.sources.github_body import MAX_DEPTH, MAX_VALUES, json_of_form, parse_body
from kabanero.sources.github_refusal import MalformedError


def test_an_object_is_read() -> None:
    assert parse_body(b' {"ref": "refs/heads/\xc3\xa4"}\n') == {"ref": "refs/heads/ä"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"ref": "\xff"}', "not JSON"),
        (b'{"ref": "\\ud800"}', "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b"[]", "no object"),
        (b"null", "no object"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_body(body)


def _nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_the_deepest_nesting_that_is_allowed_is_read() -> None:
    assert parse_body(_nested(MAX_DEPTH))


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1023, 1024, 100_000])
def test_deeper_nesting_is_refused(levels: int) -> None:
    with pytest.raises(MalformedError, match=r"nested|not JSON"):
        parse_body(_nested(levels))


def test_many_brackets_that_are_not_nested_are_read() -> None:
    assert parse_body(b'{"a":[' + b"[]," * 1000 + b"[]]}")


def test_more_values_than_a_parse_should_take_are_refused_unparsed() -> None:
    with pytest.raises(MalformedError, match="values"):
        parse_body(b'{"a":[' + b"0," * MAX_VALUES + b"0]}")


def test_a_form_gives_its_payload() -> None:
    body = urllib.parse.urlencode({"payload": '{"ref": "refs/heads/ä+b=c&d%"}', "other": "x"}).encode()

    assert parse_body(json_of_form(body)) == {"ref": "refs/heads/ä+b=c&d%"}


def test_a_form_without_payload_is_refused() -> None:
    with pytest.raises(MalformedError, match="payload"):
        json_of_form(b"pay=load&x=payload")


@given(st.dictionaries(st.text(), st.text()))
def test_any_object_comes_through_a_form_unchanged(value: dict[str, str]) -> None:
    quoted = urllib.parse.urlencode({"payload": orjson.dumps(value)}).encode()

    assert orjson.loads(json_of_form(quoted)) == value


@given(st.binary())
def test_any_bytes_in_a_form_are_unquoted_as_the_standard_library_does(value: bytes) -> None:
    assert json_of_form(b"payload=" + urllib.parse.quote_plus(value).encode()) == value
