"""The filter's ConfigMap: the source document's samples, other ways to write it, and mistakes in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kabanero.model.compat import load
from kabanero.model.errors import InvalidError
from kabanero.sources.kubernetes_filter import DEFAULT, FILTER_NAME, EventFilter, read_filter

DOCUMENT = Path(__file__).parents[2] / "data" / "document"


def read(**data: Any) -> EventFilter:
    return read_filter({"metadata": {"name": FILTER_NAME}, "data": data})


def sample(name: str) -> EventFilter:
    (found,) = load((DOCUMENT / f"{name}.yaml").read_text()).resources
    return read_filter(found)


def test_the_documents_default_is_what_holds_without_the_config_map() -> None:
    found = sample("25-event-filter-default")
    assert found == DEFAULT
    assert found.passes("ConfigMap", "any", namespaced=True) and not found.passes("Node", "", namespaced=False)


@pytest.mark.parametrize(
    ("kind", "namespace", "passes"),
    [
        ("ConfigMap", "app1-shop", True),
        ("ConfigMap", "app2", True),
        ("ConfigMap", "app3", False),
        ("ConfigMap", "app1-temp", False),
        ("kind1Thing", "", True),
        ("Node", "", False),
    ],
)
def test_the_documents_other_sample_allows_what_it_says(kind: str, namespace: str, passes: bool) -> None:
    assert sample("26-event-filter").passes(kind, namespace, namespaced=bool(namespace)) is passes


@pytest.mark.parametrize(
    "text",
    [
        "app1*\napp2",
        "- app1*\n- app2\n",
        '["app1*", "app2"]',
        "[ 'app1*', app2 ]",
        "# who\n\n- 'app1*'\n  \"app2\" ",
        "\n- app1*\r\n- app2",
    ],
)
def test_a_list_is_written_as_lines_or_as_yaml_or_json(text: str) -> None:
    assert read(allowedNamespaces=text).allowed_namespaces == ("app1*", "app2")


@pytest.mark.parametrize(
    "key",
    ["disallowedNoNamespacedKinds", "disAllowedNoNamespacedKinds", "disallowedNoNamespacedKind"],
)
def test_every_spelling_in_the_document_is_the_same_list(key: str) -> None:
    assert read(**{key: "*"}).disallowed_no_namespaced_kinds == ("*",)


def test_an_absent_list_excludes_nothing_and_an_empty_one_allows_nothing() -> None:
    assert read().passes("Node", "", namespaced=False)
    assert not read(allowedNamespaces="").passes("ConfigMap", "app1", namespaced=True)
    assert not read(allowedNamespaces="[]").passes("ConfigMap", "app1", namespaced=True)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"allowedNamespace5": "*"}, "data.allowedNamespace5: is none of the filter's lists (did you mean allowedNam"),
        ({"allowedNamespaces": "[a"}, "data.allowedNamespaces: is no list in YAML or JSON"),
        ({"allowedNamespaces": "[*]"}, "quote globs"),
        ({"allowedNamespaces": "[1]"}, "1 is no glob over names"),
        ({"allowedNamespaces": "app1, app2"}, "'app1, app2' is no glob over names"),
        ({"allowedNamespaces": "{a: b}"}, "is no glob over names"),
        ({"disallowedNoNamespacedKind": "a", "disallowedNoNamespacedKinds": "b"}, "is given twice"),
    ],
)
def test_a_mistake_is_named_with_its_place(data: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidError) as error:
        read(**data)
    assert says in str(error.value)


def test_what_was_read_is_read_again_the_same() -> None:
    for each in (DEFAULT, sample("26-event-filter"), read(allowedNamespaces="")):
        assert read(**each.as_data()) == each
