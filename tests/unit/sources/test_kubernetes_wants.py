"""From a trigger's rules to what is watched for them."""

from __future__ import annotations

from typing import Any

from kabanero.model.kinds.core import EVENT
from kabanero.model.kubernetes_events import PIPELINE_CHANGED
from kabanero.model.resource import ResourceType
from kabanero.sources.kubernetes_wants import Unknown, Want, scopes_of, types_for, wants_of

from tests.support.kubernetes_events import trigger
from tests.unit.sources.kubernetes import DEPLOYMENT, TYPES

NEWER_EVENT = ResourceType("events.k8s.io", "v1", "Event", "events", "event")
DAEMON = ResourceType("apps", "v1", "DaemonSet", "daemonsets", "daemonset")
SERVED = [*TYPES.values(), DAEMON, EVENT, NEWER_EVENT]


def want(match: dict[str, str] | None = None, **filters: list[str]) -> Want:
    rule = {"match": match or {}, "filter": [{"attribute": name, "allowed": each} for name, each in filters.items()]}
    (found,) = wants_of(trigger("watch", rule))
    return found


def kinds(found: Want) -> Any:
    types = types_for(found, SERVED)
    return types.message if isinstance(types, Unknown) else [each.kind for each in types]


def scopes(found: Want) -> list[str]:
    return [str(each) for each in scopes_of(found, [DEPLOYMENT])]


def test_a_rule_on_another_topic_wants_nothing() -> None:
    assert wants_of(trigger("watch", {"topic": "SourceRepository", "match": {"kind": "ConfigMap"}})) == []


def test_the_kind_is_what_match_or_a_filter_says() -> None:
    assert kinds(want({"kind": "Deployment"})) == ["Deployment"]
    assert kinds(want(kind=["Deployment", "ConfigMap"])) == ["Deployment", "ConfigMap"]


def test_a_wildcard_means_all_kinds_but_those_that_every_run_changes() -> None:
    assert kinds(want(kind=["D*"])) == ["Deployment", "DaemonSet"]
    assert "Event" not in kinds(want(kind=["*"])) and "Node" in kinds(want(kind=["*"]))
    assert kinds(want({"kind": "Event", "apiVersion": "v1"})) == ["Event"]


def test_an_api_version_narrows_a_wildcard() -> None:
    assert kinds(want({"apiVersion": "apps/v1"}, kind=["*"])) == ["Deployment", "DaemonSet"]


def test_what_can_not_be_watched_is_said_with_what_was_meant() -> None:
    assert kinds(want()).startswith("spec.events[0] names no kind")
    assert kinds(want({"kind": "Deploymnt"})).endswith("did you mean Deployment?")
    assert kinds(want({"kind": "Event"})).endswith("add apiVersion: events.k8s.io/v1 or v1")
    assert kinds(want({"kind": "Deployment", "apiVersion": "apps/v9"})).endswith("it is served as apps/v1")


def test_namespaces_are_watched_alone_only_where_all_are_named() -> None:
    assert scopes(want({"kind": "Deployment", "namespace": "a"})) == ["deployments in namespace a"]
    both = ["deployments in namespace a", "deployments in namespace b"]
    assert scopes(want({"kind": "Deployment"}, namespace=["a", "b"])) == both
    assert scopes(want({"kind": "Deployment"}, namespace=["a", "b*"])) == ["deployments in all namespaces"]


def test_an_event_is_judged_by_what_is_known_before_it_is_made() -> None:
    found = want({"eventType": "modify", "specChanged": "true", "resource.x": "1"}, namespace=["app1*"], name=["s*"])
    head = {"eventType": "modify", "specChanged": "true", "namespace": "app1", "name": "shop"}
    assert found.hears(head)
    assert not any(found.hears({**head, name: "other"}) for name in head)
    assert found.hears_of("app1", "shop") and not found.hears_of("app2", "shop") and not found.hears_of("app1", "x")


def test_pipelines_are_waited_for_by_name_of_the_event_only() -> None:
    head = {"eventName": PIPELINE_CHANGED, "namespace": "ci", "name": "build"}
    asks = want({"eventName": PIPELINE_CHANGED, "name": "build"})
    assert asks.pipelines and asks.hears(head) and not asks.hears({**head, "name": "other"})
    ordinary = want({"kind": "Pipeline", "name": "build"})
    assert not ordinary.pipelines and not ordinary.hears(head)
