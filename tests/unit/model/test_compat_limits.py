"""What the compatibility loader leaves alone, and what it says when it can't help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.model.compat import load, to_yaml
from kabanero.model.kinds.examples import EXAMPLES

HEAD = "apiVersion: kabanero.io/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n"
RUN = HEAD.format(kind="StrategyRun")


def said(text, source=""):
    return [str(problem) for problem in load(text, source).problems]


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_writing_and_reading_again_changes_nothing(kind):
    (resource,) = load(EXAMPLES[kind]).resources
    assert load(to_yaml([resource])).resources == [resource]


def test_a_canonical_strategy_keeps_events_that_differ_in_case_only():
    text = EXAMPLES["StrategyTrigger"] + "---\n" + EXAMPLES["StrategyDefinition"].replace("Start_build", "Start_Build")
    loaded = load(text)
    assert (loaded.repairs, loaded.problems) == ([], [])


def test_a_canonical_strategy_keeps_undeclared_variables_for_the_verifier():
    assert (
        load(EXAMPLES["StrategyDefinition"].replace("strategyVariable: src_repo", "strategyVariable: repo")).repairs
        == []
    )


def test_a_misspelt_field_is_repaired_and_named():
    (repair,) = load(f"{RUN}  stratgy: main\n").repairs
    assert (repair.line, repair.what) == (5, "stratgy -> strategy")


def test_a_field_is_not_repaired_where_the_right_one_is_there():
    assert said(f"{RUN}  strategy: main\n  stratgy: other\n") == [
        "line 6: spec.stratgy: is not a field that is known here (did you mean strategy?)"
    ]


def test_what_cannot_be_repaired_is_a_problem_with_its_line():
    assert said(f"{RUN}  strategy: main\n  cancel: perhaps\n") == [
        'line 6: spec.cancel: must be true or false, but is the text "perhaps" (write true or false, without quotes)'
    ]


def test_one_document_that_is_broken_leaves_the_others():
    loaded = load(f"{RUN}  strategy: a\n---\na: [\n---\n{RUN}  strategy: b\n")
    assert [resource["spec"]["strategy"] for resource in loaded.resources] == ["a", "b"]
    assert [problem.line for problem in loaded.problems] == [8]


def test_problems_name_the_file():
    assert said(f"{RUN}  cancel: true\n", "runs.yaml")[0].startswith("line 4: runs.yaml: spec.strategy: is missing")


def test_a_stage_of_a_kind_that_is_declared_in_the_same_text_is_known():
    assert said(f"{EXAMPLES['StageKind']}---\n{HEAD.format(kind='MultiPlatformBuild')}  platforms: [amd64]\n") == []


def test_a_kind_that_nothing_resembles_is_a_problem():
    assert "is not a kind that is known here" in said("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")[0]


def test_several_stages_of_one_kind_are_not_guessed_between():
    stage = (
        "apiVersion: kabanero.io/v1alpha1\nkind: TektonStage\nmetadata: {{name: {}}}\nspec: {{pipelineName: p}}\n---\n"
    )
    strategy = (
        HEAD.format(kind="StrategyDefinition")
        + "  - stage_bindings:\n    - stageName: X\n      stageKind: TektonStage\n"
    )
    loaded = load(stage.format("a") + stage.format("b") + strategy)
    assert loaded.resources[2]["spec"]["stageBindings"][0]["stageRef"] == {"kind": "TektonStage", "name": "x"}


def test_tabs_become_blanks():
    loaded = load(f"{RUN}\tstrategy: main\n")
    assert loaded.resources[0]["spec"] == {"strategy": "main"}
    assert [repair.what for repair in loaded.repairs] == ["tabs -> blanks"]


def test_an_alias_that_has_its_anchor_is_no_text():
    loaded = load(f"{RUN}  strategy: &name main\n  cancelReason: *name\n")
    assert loaded.resources[0]["spec"]["cancelReason"] == "main"
    assert loaded.repairs == []


@given(st.text(max_size=80) | st.text("[]{}:-*&!|>'\"%@`#,? \n\tab0", max_size=80))
def test_no_text_makes_it_raise(text):
    load(text)


@given(st.data())
def test_a_damaged_example_is_loaded_or_explained(data):
    text = EXAMPLES[data.draw(st.sampled_from(sorted(EXAMPLES)))]
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.text(" \t:-*{}[]x\n", max_size=3)) + text[at + data.draw(st.integers(0, 8)) :]
    loaded = load(damaged)
    assert loaded.resources or loaded.problems or not damaged.strip()
