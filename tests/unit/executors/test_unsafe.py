"""Outside data for a playbook: every text marked, every key that could be a template broken."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from kabanero.executors.ansible.unsafe import MARK, harmless, unsafe

JSON = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(), some.text()),
    lambda inner: some.one_of(some.lists(inner), some.dictionaries(some.text(), inner)),
    max_leaves=20,
)


def texts_and_keys(value: Any) -> tuple[list[str], list[str]]:
    """Texts that are not marked, and keys that are no mark."""
    if isinstance(value, str):
        return [value], []
    if isinstance(value, dict) and set(value) == {MARK} and isinstance(value[MARK], str):
        return [], []
    found: tuple[list[str], list[str]] = ([], list(value) if isinstance(value, dict) else [])
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        texts, keys = texts_and_keys(each)
        found = found[0] + texts, found[1] + keys
    return found


@given(JSON)
def test_no_text_is_left_unmarked_and_no_key_opens_a_template(value: Any) -> None:
    texts, keys = texts_and_keys(unsafe(value))
    assert texts == []
    assert not [key for key in keys if "{{" in key or "{%" in key or "{#" in key or key.startswith("__ansible_")]


@given(some.text("{%#} x"))
def test_breaking_a_key_leaves_nothing_that_opens_a_template(key: str) -> None:
    assert not [opening for opening in ("{{", "{%", "{#") if opening in harmless(key)]


def test_numbers_and_truth_stay_what_they_are() -> None:
    assert unsafe({"a": 1, "b": None, "c": [True, 1.5]}) == {"a": 1, "b": None, "c": [True, 1.5]}
