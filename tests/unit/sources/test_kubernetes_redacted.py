"""What of a Kubernetes object may stand in an event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kabanero.model.kinds.core import CONFIG_MAP, SECRET
from kabanero.sources.kubernetes_objects import seen
from kabanero.sources.kubernetes_redacted import REMOVED, TooDeepError, redacted

from tests.unit.sources.kubernetes import thing

HUSH = "aHVzaC1odXNo"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(**more: Any) -> dict[str, Any]:
    metadata = {"name": "s", "annotations": {LAST_APPLIED: json.dumps({"data": {"a": HUSH}}), "note": HUSH}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": HUSH}, **more}


YAML = f"a: 1\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  a: {HUSH}\n"
HIDING_PLACES = {
    "the object itself": secret(stringData={"b": HUSH}),
    "a List": {"kind": "List", "items": [thing("ConfigMap"), secret()]},
    "a SecretList, whose items name no kind": {"kind": "SecretList", "items": [{"data": {"a": HUSH}}]},
    "a template": thing("Deployment", spec={"manifests": [{"inner": secret()}]}),
    "a manifest in JSON": thing("ConfigMap", data={"all": json.dumps(secret())}),
    "JSON inside JSON": thing("ConfigMap", data={"all": json.dumps({"applied": json.dumps(secret())})}),
    "a manifest in YAML": thing("ConfigMap", data={"all": YAML}),
    "an annotation of another tool": thing("Deployment", annotations={"tool/applied": json.dumps(secret())}),
    "an annotation of last-applied": thing("Deployment", annotations={LAST_APPLIED: json.dumps(secret())}),
}


@pytest.mark.parametrize("place", HIDING_PLACES)
def test_the_data_of_a_secret_is_nowhere(place: str) -> None:
    assert HUSH not in json.dumps(redacted(HIDING_PLACES[place]))


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.recursive(st.just(secret()), lambda inner: st.lists(inner | JSON) | st.dictionaries(st.text(), inner | JSON)))
@settings(max_examples=100)
def test_the_data_of_a_secret_is_nowhere_at_any_depth(hidden: Any) -> None:
    try:
        assert HUSH not in json.dumps(redacted({"kind": "Thing", "metadata": {}, "spec": hidden}))
        assert HUSH not in json.dumps(redacted({"kind": "Thing", "metadata": {}, "spec": json.dumps(hidden)}))
    except TooDeepError:
        pass


def test_all_that_is_no_secret_stays() -> None:
    env = [{"name": "A", "value": "plain"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    given = thing("Deployment", annotations={"note": "kind: Secret is a kind"}, spec={"env": env, "kind": "Secret"})
    assert redacted(given) == given


def test_managed_fields_and_last_applied_are_left_out_and_the_object_is_not_touched() -> None:
    given = thing("Deployment", annotations={LAST_APPLIED: "{}"}, managedFields=[{"manager": "kubectl"}])
    before = json.dumps(given)
    assert redacted(given)["metadata"].keys() == thing("Deployment")["metadata"].keys()
    assert json.dumps(given) == before


def test_where_something_was_left_out_it_is_said() -> None:
    assert redacted(thing("ConfigMap", data={"all": YAML}))["data"] == {"all": REMOVED}


def test_a_secret_is_not_even_remembered() -> None:
    assert seen(SECRET, thing("Secret", data={"a": HUSH})).body is None


def test_what_is_nested_without_end_is_not_looked_through() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(TooDeepError):
        redacted(thing("ConfigMap", data=deep))
    found = seen(CONFIG_MAP, thing("ConfigMap", data=deep))
    assert (found.body, found.digest) == (None, b"")
