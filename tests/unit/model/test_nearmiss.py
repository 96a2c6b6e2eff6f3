import pytest
from kabanero.model.nearmiss import did_you_mean, near_miss

FIELDS = ["stageName", "stageRef", "resourceBindings", "triggers", "emit"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("stageName", "stageName"),
        ("stagename", "stageName"),
        ("stage_name", "stageName"),
        ("stage-ref", "stageRef"),
        ("resourceBinding", "resourceBindings"),
        ("trigers", "triggers"),
        ("tirggers", "triggers"),
        ("emits", "emit"),
    ],
)
def test_finds_the_word_that_was_meant(word, meant):
    assert near_miss(word, FIELDS) == meant


@pytest.mark.parametrize("word", ["", "x", "completely", "t" * 1_000_000])
def test_finds_nothing_where_nothing_is_near(word):
    assert near_miss(word, FIELDS) is None


def test_of_two_spellings_the_exact_one_wins():
    assert near_miss("Deploy", ["deploy", "Deploy"]) == "Deploy"


def test_lists_what_is_possible_when_nothing_is_near():
    assert did_you_mean("xyz", ["match", "anyOf"]) == "possible: match, anyOf"


def test_says_nothing_when_nothing_is_possible():
    assert did_you_mean("xyz", []) == ""
