"""Every YAML sample of the source document, exactly as printed there, loads; each repair is named.

Beside each sample stand the repairs that are expected (`.repairs`) and the canonical form (`.canonical`).
After a wanted change, GOLDEN=write in the environment writes them anew: read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest
from kabanero.model.compat import load, to_yaml

FOLDER = Path(__file__).parents[2] / "data" / "document"
SAMPLES = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.yaml"))]


def golden(path, suffix, text):
    expected = path.with_suffix(suffix)
    if os.environ.get("GOLDEN") == "write":
        expected.write_text(text, encoding="utf-8")
    return expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SAMPLES)
def test_a_sample_has_no_problems(path):
    assert load(path.read_text()).problems == []


@pytest.mark.parametrize("path", SAMPLES)
def test_a_sample_holds_a_resource_or_a_trigger_file(path):
    loaded = load(path.read_text())
    assert len(loaded.resources) + len(loaded.trigger_files) == 1


@pytest.mark.parametrize("path", SAMPLES)
def test_every_repair_of_a_sample_is_named(path):
    repairs = "".join(f"{repair}\n" for repair in load(path.read_text()).repairs)
    assert repairs == golden(path, ".repairs", repairs)


@pytest.mark.parametrize("path", SAMPLES)
def test_a_sample_has_one_canonical_form(path):
    text = to_yaml(load(path.read_text()).resources)
    assert text == golden(path, ".canonical", text)


@pytest.mark.parametrize("path", SAMPLES)
def test_the_canonical_form_of_a_sample_needs_no_repair(path):
    resources = load(path.read_text()).resources
    again = load(to_yaml(resources))
    assert (again.repairs, again.problems, again.resources) == ([], [], resources)


@pytest.mark.parametrize("path", SAMPLES)
def test_every_repair_names_a_line_of_the_sample(path):
    text = path.read_text()
    assert all(1 <= repair.line <= text.count("\n") + 1 for repair in load(text).repairs)
