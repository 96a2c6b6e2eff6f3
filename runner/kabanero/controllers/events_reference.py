"""The reference of events, made by letting sources and controllers make one of each: docs/reference/events.md.

Written by `make docs`; a test says when it is out of date. An attribute without a meaning below ends it with an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from kabanero.controllers import events_of_kubernetes as of_kubernetes
from kabanero.controllers.control import CONTROL_TOPIC
from kabanero.controllers.outbox import emitted
from kabanero.controllers.strategy_event import event_of
from kabanero.engine.commands import PublishEvent
from kabanero.model.events import Event
from kabanero.model.kinds.runs import RunStatus
from kabanero.model.kubernetes_events import ATTRIBUTES
from kabanero.model.repository_events import event_name
from kabanero.model.topics import Topic
from kabanero.sources.github import Delivery, DeliveryHeaders, make_events
from kabanero.sources.github_fields import EVENTS
from kabanero.sources.github_keys import Grant
from kabanero.sources.github_origin import read_origin

HEAD = """# Events

<!-- Made by `make docs` from runner/kabanero/controllers/events_reference.py and what makes the events. -->

An event is a CloudEvent 1.0. Its data is one JSON object; what `match`, `filter` and `${{event.NAME}}` of a trigger see
are the attributes of that object, dots for nested ones (`rawData.head_commit.message`). Its identity is `source` and
`id`: the same identity again changes nothing. `kabanero events` lists events, `kabanero explain --event ID` says for
every trigger why it matched or did not.

`INSTANCE` is the setting `instance`, and words in capitals stand for what they name.

| Topic | Comes from | Topic path |
| --- | --- | --- |
{topics}

Any other word is a topic of your own: a StrategyEvent or an `emit` entry with `topic: Integration_A` goes out on it,
and a trigger with that `topic` hears it. `kabanero events` leaves out `{control}`, on which the runner talks to itself.
"""
SENDERS = {
    Topic.SOURCE_REPOSITORY: "a verified webhook",
    Topic.STRATEGY: "a stage that ends, by its `emit`",
    Topic.KABANERO_CLIENT: "a StrategyEvent without a `topic`",
    Topic.KUBERNETES_API: "an object that a trigger asks for is created, modified or deleted",
}
RESERVED = "reserved; nothing sends on it by itself, a StrategyEvent may"

MEANINGS = {
    "repositoryType": "`github`",
    "eventName": "`Push`, `PullRequest`, `Ping`, others in CamelCase as well",
    "action": "what happened to it, where GitHub says so: `opened`, `created`, ...",
    "user": "login of who did it",
    "repository": "name of the repository alone",
    "owner": "user or organisation that owns it",
    "fullName": "`OWNER/REPOSITORY`",
    "location": "URL of the repository",
    "namespace": "namespace that the event is for; empty: every one",
    "eventSource": "`NAMESPACE/NAME` of the GithubEventSource that verified it",
    "rawData": "the body as it came",
    "ref": "full name of the ref, such as `refs/heads/main`",
    "branch": "branch, slashes and all; empty when it is a tag",
    "tag": "tag; empty when it is a branch",
    "commit": "commit, of an annotated tag too; empty when the branch was deleted",
    "before": "commit that the branch was at before",
    "created": "whether the push made the branch",
    "deleted": "whether the push deleted the branch",
    "forced": "whether the push was forced; Gitea does not say so",
    "number": "number of the pull request",
    "headBranch": "branch that it comes from",
    "headCommit": "newest commit of that branch",
    "headLocation": "URL of the repository that it comes from; differs for a fork",
    "baseBranch": "branch that it is for",
    "baseCommit": "commit of that branch",
    "draft": "whether it is a draft",
    "merged": "whether it was merged",
    "name": "name that the entry gives",
    "status": "where the entry says `status: $stage_status`: `Success`, `Failed`, `Errored`, `Cancelled` or `TimedOut`",
    "strategy": "the strategy whose stage emitted it",
    "strategyRun": "the StrategyRun",
    "contextID": "identity of the run",
}
OF_PULL_REQUESTS = {
    "ref": "`refs/pull/NUMBER/head`, from where forks can be fetched too",
    "branch": "the branch that it is for",
    "commit": "newest commit of the branch that it comes from",
}
NOW = datetime.fromtimestamp(0, UTC)
REPOSITORY = {"full_name": "OWNER/REPOSITORY", "html_url": "https://HOST/OWNER/REPOSITORY"}
SIDE = {"ref": "BRANCH", "sha": "COMMIT"}
BODY = {
    "action": "ACTION",
    "after": "COMMIT",
    "number": 1,
    "pull_request": {"head": SIDE, "base": SIDE},
    "ref": "BRANCH",
    "release": {"tag_name": "TAG"},
    "repository": REPOSITORY,
}


def page() -> str:
    """The whole page, in Markdown."""
    samples = {Topic.SOURCE_REPOSITORY: _webhook("ping"), Topic.STRATEGY: _emitted(), Topic.KABANERO_CLIENT: _sent()}
    samples[Topic.KUBERNETES_API] = of_kubernetes.sample(NOW)
    topics = "\n".join(_topic(topic, samples.get(topic)) for topic in Topic)
    parts = [HEAD.format(topics=topics, control=CONTROL_TOPIC), *_webhooks(), *_of_runs(samples[Topic.STRATEGY])]
    return "\n".join(
        [*parts, *_of_people(samples[Topic.KABANERO_CLIENT]), *_of_kubernetes(samples[Topic.KUBERNETES_API])]
    )


def _topic(topic: Topic, sample: Event | None) -> str:
    path = sample.path.replace("/host/", "/HOST/") if sample else f"/INSTANCE/{topic}/NAMESPACE"
    return f"| `{topic}` | {SENDERS.get(topic, RESERVED)} | `{path}` |"


def _webhook(event: str) -> Event:
    json = orjson.dumps(BODY)
    delivery = Delivery(DeliveryHeaders(event, "DELIVERY", b""), json, BODY, read_origin(BODY))
    return make_events(delivery, [Grant("", "NAMESPACE/NAME")], instance="INSTANCE", now=NOW)[0]


def _emitted() -> Event:
    metadata = {"namespace": "NAMESPACE", "name": "RUN", "uid": "UID"}
    run = {"metadata": metadata, "spec": {"strategy": "STRATEGY"}}
    command = PublishEvent("STAGE/ATTEMPT/ENTRY", Topic.STRATEGY, {"name": "NAME", "status": "STATUS"})
    return emitted("INSTANCE", run, RunStatus(contextID="CONTEXTID"), command, NOW)


def _sent() -> Event:
    metadata = {"namespace": "NAMESPACE", "name": "NAME", "uid": "UID", "creationTimestamp": NOW.isoformat()}
    return event_of({"metadata": metadata, "spec": {"data": {"name": "NAME"}, "contextID": "CONTEXTID"}}, "INSTANCE")


def _webhooks() -> Iterable[str]:
    common = _webhook("ping").data
    yield "## SourceRepository\n"
    yield "From GitHub's webhooks, or a forge's that speaks as GitHub does. Every event has:\n"
    yield _table(common)
    yield "Further ones depend on `eventName`. An event that isn't listed has only those above, and `rawData`.\n"
    for event in EVENTS:
        own = {name: value for name, value in _webhook(event).data.items() if name not in common}
        yield f"### {event_name(event)}\n\n{_table(own, OF_PULL_REQUESTS if event == 'pull_request' else {})}"
    yield _identity(_webhook("push"), "The source is `github/HOST/NAMESPACE` outside the shared namespace.")


def _of_runs(sample: Event) -> Iterable[str]:
    yield "## Strategy\n"
    yield "Every `emit` entry of a stage that has ended, with all attributes that the entry names and:\n"
    yield _table(sample.data)
    yield "An entry with `topic` goes out on that topic instead, under the same path, and not into the run itself.\n"
    yield _identity(sample, "The namespace is the run's: triggers of other namespaces don't hear it.")


def _of_people(sample: Event) -> Iterable[str]:
    yield "## KabaneroClient\n"
    yield "A [StrategyEvent](kinds.md#strategyevent): all of its `spec.data`, and:\n"
    yield _table({name: value for name, value in sample.data.items() if name != "name"})
    yield "`contextID` is there when the StrategyEvent names one; then the event goes into that run too.\n"
    yield _identity(sample, "`spec.path` sets another path.")


def _of_kubernetes(sample: Event) -> Iterable[str]:
    yield "## KubernetesAPI\n"
    yield "What happens to objects of the kinds that triggers ask for: of any kind on a cluster, else of the kinds"
    yield "that the runner keeps. The filter in force has to let them pass. More, with examples:"
    yield "[Kubernetes events](../how-to/kubernetes-events.md).\n"
    meanings = of_kubernetes.MEANINGS
    yield _table({**dict.fromkeys(ATTRIBUTES), **sample.data}, meanings)
    yield _identity(sample, "Of `create` and `delete` the id is without RESOURCEVERSION.")
    yield "A change of a Tekton Pipeline's definition makes an event with these attributes instead, and no kind:\n"
    pipeline = of_kubernetes.pipeline_sample(NOW)
    yield _table(pipeline.data, {**meanings, **of_kubernetes.OF_PIPELINES})
    yield _identity(pipeline, "The UIDs are those of the Pipeline and of what changed, then comes its generation.")


def _table(data: Mapping[str, Any], other: Mapping[str, str] = {}) -> str:
    rows = [f"| `{name}` | {other.get(name) or MEANINGS[name]} |" for name in data]
    return "\n".join(["| Attribute | Meaning |", "| --- | --- |", *rows, ""])


def _identity(sample: Event, more: str) -> str:
    source = sample.source.replace("github/host", "github/HOST")
    return f"CloudEvent: source `{source}`, id `{sample.id}`, type `{sample.type}`. {more}\n"
