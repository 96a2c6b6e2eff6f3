from pathlib import Path

import pytest
from kabanero.model.compat import load
from kabanero.model.kinds.examples import EXAMPLES
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.reference import generated

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", sorted(generated()))
def test_generated_files_are_current(path):
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path], "run `make docs` and commit what it writes"


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(BY_KIND)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_examples_are_right(kind):
    assert load(EXAMPLES[kind]).problems == []


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_examples_are_canonical(kind):
    assert load(EXAMPLES[kind]).repairs == []
