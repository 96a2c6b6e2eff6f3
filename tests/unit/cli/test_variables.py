"""`--var` and `-f` of `kabanero submit` as `spec.variables`."""

from __future__ import annotations

from pathlib import Path

import pytest
from kabanero.cli.errors import UsageError
from kabanero.cli.variables import merged, read_values

DECLARED = [
    {"name": "src_repo", "type": "github"},
    {"name": "greeting"},
    {"name": "replicas", "type": "number"},
    {"name": "labels", "type": "object"},
]


def test_a_value_is_text_unless_the_variable_is_something_else() -> None:
    assert merged([], ["greeting=1", "replicas=3"], DECLARED) == [
        {"name": "greeting", "value": "1"},
        {"name": "replicas", "value": 3},
    ]


def test_fields_of_one_variable_come_together() -> None:
    assert merged([], ["src_repo.location=https://x/y?a=b", "src_repo.branch=main"], DECLARED) == [
        {"name": "src_repo", "location": "https://x/y?a=b", "branch": "main"}
    ]


def test_an_object_is_written_as_json() -> None:
    assert merged([], ['labels={"a": "b"}'], DECLARED) == [{"name": "labels", "a": "b"}]


def test_the_command_line_wins_over_the_file() -> None:
    base = [{"name": "src_repo", "location": "https://old", "branch": "main"}, {"name": "greeting", "value": "hi"}]
    assert merged(base, ["src_repo.location=https://new", "greeting=ho"], DECLARED) == [
        {"name": "src_repo", "location": "https://new", "branch": "main"},
        {"name": "greeting", "value": "ho"},
    ]


def test_a_value_may_look_like_anything() -> None:
    assert (
        merged([], ["greeting={{ lookup('pipe', 'x') }}=$(y)"], DECLARED)[0]["value"]
        == "{{ lookup('pipe', 'x') }}=$(y)"
    )


def test_a_wrong_name_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="src-repo") as caught:
        merged([], ["src-repo.location=x"], DECLARED)
    assert caught.value.hints == ("did you mean src_repo?",)


@pytest.mark.parametrize("text", ["greeting", "=x", ""])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        merged([], [text], DECLARED)


def test_a_number_must_be_one() -> None:
    with pytest.raises(UsageError, match="the variable is a number"):
        merged([], ["replicas=many"], DECLARED)


def test_a_file_may_hold_values_by_variable_or_a_whole_run(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("greeting: hi\nsrc_repo: {location: https://x}\n")
    assert read_values(str(values)) == {
        "variables": [{"name": "greeting", "value": "hi"}, {"name": "src_repo", "location": "https://x"}]
    }
    values.write_text("kind: StrategyRun\nspec: {strategy: main, emit: {name: Go}}\n")
    assert read_values(str(values)) == {"strategy": "main", "emit": {"name": "Go"}}


@pytest.mark.parametrize("text", ["[1]", "a: [", "kind: Secret"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(text)
    with pytest.raises(UsageError, match=r"values\.yaml"):
        read_values(str(values))


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "src_repo=https://x/y",
            "src_repo is of type github: say its location and branch",
            "--var src_repo.location=https://x/y --var src_repo.branch=... --var src_repo.commit=...",
        ),
        ("app=shop:1", "app is of type image: say its location", "--var app.location=shop:1"),
        ("src_repo.loction=x", "src_repo is of type github, which has no loction", "did you mean src_repo.location?"),
        ("greeting.text=hi", "greeting is of type string and has no fields", "--var greeting=VALUE"),
        ("replicas.count=3", "replicas is of type number and has no fields", "--var replicas=VALUE"),
    ],
)
def test_a_value_that_no_stage_could_use_is_refused_with_the_right_spelling(text: str, said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        merged([], [text], [*DECLARED, {"name": "app", "type": "image"}])
    assert (caught.value.message, caught.value.hints) == (said, (hint,))


def test_a_repository_may_come_as_one_object_and_have_fields_of_ones_own() -> None:
    whole = 'src_repo={"location": "https://x/y", "branch": "main"}'
    assert merged([], [whole, "src_repo.depth=1"], DECLARED) == [
        {"name": "src_repo", "location": "https://x/y", "branch": "main", "depth": "1"}
    ]
