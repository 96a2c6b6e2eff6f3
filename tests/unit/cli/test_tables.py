"""Tables fit the terminal, whatever stands in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kabanero.cli.output import as_json, as_yaml, table_lines
from kabanero.cli.tables import column_widths
from rich.cells import cell_len

HEADERS = ("Name", "Message")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table_lines(HEADERS, [("a", "short"), ("longer", "x")]) == [
        "NAME     MESSAGE",
        "a        short",
        "longer   x",
    ]


def test_a_sentence_goes_on_in_the_next_line_of_its_column() -> None:
    lines = table_lines(HEADERS, [("name", "3/5 stages; waiting for approval"), ("other", "5/5 stages")], width=30)
    assert lines == [
        "NAME   MESSAGE",
        "name   3/5 stages; waiting for",
        "       approval",
        "other  5/5 stages",
    ]


def test_a_long_name_loses_its_middle_for_names_often_begin_alike() -> None:
    row = ("main-20261128162943005-ed31e060ba-fvt", "main-20261128162943005-ed31e060ba", "Succeeded")
    line = table_lines(("Name", "Run", "Phase"), [row], width=64)[1]
    assert line == "main-20261128162943005-ed31e060ba-fvt  main-20…e060ba  Succeeded"


def test_the_name_gives_way_when_nothing_else_can() -> None:
    row = ("main-20261128162943005-ed31e060ba-fvt", "Succeeded", "4s")
    assert table_lines(("Name", "Phase", "Age"), [row], width=40)[1] == "main-2026112…1e060ba-fvt  Succeeded  4s"


def test_a_word_that_is_wider_than_its_column_is_split() -> None:
    lines = table_lines(HEADERS, [("name", "see " + "x" * 40)], width=30)
    assert "".join(lines[1:]).replace(" ", "") == "namesee" + "x" * 40


def test_wide_characters_count_twice() -> None:
    lines = table_lines(HEADERS, [("日本語", "x"), ("abcdef", "y")])
    assert lines[1:] == ["日本語   x", "abcdef   y"]


def test_a_cell_can_not_break_the_line_or_reach_the_terminal() -> None:
    assert table_lines(HEADERS, [("a\nb", "\x1b[2J")])[1] == "a b    \\e[2J"


@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40)), max_size=5),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    assert all(cell_len(line) <= width for line in table_lines(("A", "B", "C"), rows, width))


def test_columns_stand_closer_where_it_is_tight() -> None:
    assert column_widths([("a" * 10, "b" * 10)], 23) == ([10, 10], 3)
    assert column_widths([("a" * 10, "b" * 10)], 22) == ([10, 10], 2)


def test_json_can_not_carry_a_control_character_to_the_terminal() -> None:
    text = as_json({"name": "\x1b[2J\x9b\u202e日本"})
    assert '"\\u001b[2J\\u009b\\u202e日本"' in text


def test_yaml_can_not_carry_a_control_character_to_the_terminal() -> None:
    text = as_yaml({"name": "\x1b[2J\x9b\u202e"})
    assert text == 'name: "\\e[2J\\x9B\\u202E"\n'
