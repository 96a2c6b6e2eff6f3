"""Reading YAML and JSON: typed as the kind wants it, with lines, and with clear words about what is not legal."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.documents import read_documents
from kabanero.model.errors import InvalidError, Problem

RUN = "kind: StrategyRun\nspec:\n  variables:\n  - name: repo\n    {field}\n"


def one(text):
    (document,) = read_documents(text)
    return document


def variable(field):
    return one(RUN.format(field=field)).resource["spec"]["variables"][0]


def notes(field):
    return [str(note) for note in one(RUN.format(field=field)).notes]


def problems(text):
    with pytest.raises(InvalidError) as raised:
        read_documents(text)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("text", ["", "---\n", "---\n---\n# nothing\n", "null\n"])
def test_nothing_is_no_document(text):
    assert read_documents(text) == []


def test_each_document_of_a_stream_is_a_resource():
    assert [document.resource["kind"] for document in read_documents("kind: A\n---\nkind: B\n")] == ["A", "B"]


@pytest.mark.parametrize("kind", ["List", "StrategyRunList"])
def test_a_list_is_its_items(kind):
    found = read_documents(f"kind: {kind}\nitems: [{{kind: A}}, {{kind: B}}]\n")
    assert [document.resource["kind"] for document in found] == ["A", "B"]


def test_json_is_read_too():
    assert one('{"kind": "A",\n\t"spec": {"face": "\\ud83d\\ude00"}}').resource == {"kind": "A", "spec": {"face": "😀"}}


@pytest.mark.parametrize("written", ["12345", "1.10", "0123", "12e4567", "on", "no", "true", "2019-09-03", "1:30"])
def test_text_fields_take_what_is_written(written):
    assert variable(f"commit: {written}")["commit"] == written


def test_a_number_that_is_read_as_text_is_noted():
    assert notes("commit: 12345") == [
        'line 5: spec.variables[0].commit: is read as the text "12345" (to be sure, write it in quotes: "12345")'
    ]


@pytest.mark.parametrize("written", ["06f175fb77696f76", "0aff", "1f2e3d", "0x1G"])
def test_hexadecimal_digits_look_like_no_number_without_their_prefix(written):
    assert notes(f"commit: {written}") == []


def test_nothing_that_a_secret_holds_is_told():
    (document,) = read_documents("kind: Secret\nstringData: {password: 12345, pin: 0x1F}\n")
    assert (document.resource["stringData"], document.notes) == ({"password": "12345", "pin": "0x1F"}, ())


def test_quoted_text_needs_no_note():
    assert notes('commit: "12345"') == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-1", -1),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("12e4567", "12e4567"),
        ("2019-09-03", "2019-09-03"),
        ("12:30:45", "12:30:45"),
        (".inf", ".inf"),
        ("'5'", "5"),
        ("!!str 5", "5"),
    ],
)
def test_values_of_any_form_are_read_as_they_look(written, value):
    assert variable(f"value: {written}")["value"] == value


def test_a_number_that_loses_its_writing_is_noted():
    assert "is read as the number 1.1" in notes("value: 1.10")[0]


@pytest.mark.parametrize(("written", "value"), [("yes", True), ("off", False), ("true", True)])
def test_yes_and_no_are_truth_values_where_the_kind_has_one(written, value):
    assert one(f"kind: StrategyRun\nspec: {{cancel: {written}}}").resource["spec"]["cancel"] is value


def test_keys_are_always_text():
    assert one("on: a\n12: b\n").resource == {"on": "a", "12": "b"}


def test_labels_are_text():
    assert one("kind: StrategyRun\nmetadata: {labels: {v: 1.10}}").resource["metadata"]["labels"] == {"v": "1.10"}


def test_aliases_and_merges_are_written_out():
    assert one("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n").resource["use"] == {"y": 3, "x": 1}


def test_every_field_knows_its_line():
    document = one("kind: A\nspec:\n  stages:\n  - name: a\n  - name: b\n")
    assert document.line_of("spec.stages[1].name") == 5


def test_a_field_that_is_missing_is_where_its_surroundings_are():
    document = one("kind: A\nspec:\n  stages:\n  - name: a\n")
    assert document.line_of("spec.stages[0].stageRef.kind") == 4


def test_problems_get_their_lines():
    document = one("kind: A\nspec:\n  a: 1\n")
    assert document.located([Problem("spec.a", "is wrong")]) == [Problem("spec.a", "is wrong", line=3)]


def test_lines_go_on_through_a_stream():
    _, second = read_documents("kind: A\n---\nkind: B\n")
    assert second.line_of("kind") == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 'line 3: a: the key "a" is there already, on line 1 (keep one of them)'),
        ('{"kind":"A",\n\t"x":1,"x":2}', 'line 2: x: the key "x" is there already, on line 2 (keep one of them)'),
        ("a:\n\t- b\n", "line 2: column 1: a tab can't indent YAML: - b (use blanks)"),
        (
            "a: *test\n",
            "line 1: `*test` refers to an anchor `&test` that is not there "
            '(for the text itself, write "*test" in quotes)',
        ),
        (
            "a: *\n",
            "line 1: column 5: `*` and `&` begin an alias or anchor in YAML: a: * "
            '(for the text itself, write it in quotes: "*")',
        ),
        ("a: @x\n", "line 1: column 4: a value can't begin with @: a: @x (write it in quotes)"),
        (
            "a: b: c\n",
            "line 1: column 5: a `:` is not possible here: a: b: c "
            "(check the indentation, the `:` of the line above, and quote values that hold `: `)",
        ),
        (
            "a:\n    b: c\n   d: e\n",
            "line 3: column 4: this line fits no map that is open here: d: e "
            "(check the indentation of this line and the ones above)",
        ),
        ("a: 'b\n", "line 1: column 4: a quote is opened here and never closed: a: 'b (close it)"),
        (
            "a: {{ b }}\n",
            "line 1: a key must be text, but here it is a map or list "
            "(a value that begins with { or [ must stand in quotes)",
        ),
        ("a: b\x01\n", "line 1: column 5: control characters are not allowed (character U+0001) (remove it)"),
        ("- a\n", "line 1: a resource must be a map, but this is a list"),
        (
            "a: !!python/object:os.system {}\n",
            "line 1: the tag !!python/object:os.system is not possible here (write plain maps, lists and values)",
        ),
        ("a: &x [*x]\n", "line 1: `*x` lies inside the anchor that it refers to"),
    ],
)
def test_what_is_not_legal_is_explained(text, message):
    assert problems(text) == [message]


def test_all_repeated_keys_are_named_at_once():
    assert len(problems("a: 1\na: 2\nb: {c: 1, c: 2}\n")) == 2


def test_nesting_is_bounded():
    assert problems("[" * 1_000_000) == ["line 1: is nested more than 100 levels deep"]


def test_aliases_are_bounded():
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "aliases make far more of this text" in problems("\n".join(["l0: &l0 [x]", *levels]))[0]


@given(st.text(max_size=60) | st.text("[]{}:-*&!|>'\"%@`#,? \n\tab0", max_size=60))
def test_any_text_is_read_or_explained(text):
    try:
        documents = read_documents(text)
    except InvalidError as error:
        assert error.problems
    else:
        assert all(isinstance(document.resource, dict) for document in documents)


def test_reading_a_large_text_stays_within_bounds():
    text = "---\n".join(["kind: StrategyRun\nspec: {strategy: a}\n"] * 2_000)
    before = time.process_time()
    assert len(read_documents(text)) == 2_000
    assert time.process_time() - before < 10
