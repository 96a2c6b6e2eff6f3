"""Our CRDs and our validation against the API server's own code (tests/cluster/crdcheck): both must say the same.

The program is looked for in KABANERO_CRDCHECK and in our cache; `make test-cluster` builds it.
"""

import json
import subprocess
from pathlib import Path

import pytest
from kabanero.model.compat import load
from kabanero.model.kinds.examples import EXAMPLES
from kabanero.model.kinds.registry import BY_KIND
from kabanero.model.schemas import crds
from kabanero.model.validation import validate

from tests.support.absent import absent
from tests.testbed.crdcheck import place

SAMPLES = Path(__file__).parents[1] / "data" / "document"
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="session")
def ask():
    """Gives the API server's answer to definitions and resources."""
    program = place()
    if not program.exists():
        absent("crdcheck", "make test-cluster builds it")

    def asked(definitions, resources=()):
        question = json.dumps({"crds": definitions, "resources": list(resources)})
        done = subprocess.run([program], input=question, capture_output=True, text=True, check=True, timeout=120)
        return json.loads(done.stdout)

    return asked


@pytest.fixture(scope="session")
def refused(ask):
    """Whether the API server refuses a resource of one of our kinds, with its reasons."""
    definitions = crds()
    return lambda resource: ask(definitions, [resource])["resources"][0]


def strategy(**binding):
    whole = {"stageName": "Build", "stageRef": {"kind": "AppsodyBuild", "name": "build"}} | binding
    return resource("StrategyDefinition", {"stageBindings": [whole]})


def resource(kind, spec, **more):
    about = {"apiVersion": "kabanero.io/v1alpha1", "kind": kind, "metadata": {"name": "a"}}
    return about | {"spec": spec} | more


def job(**more):
    connection = {"url": "https://awx.example.com", "secret": "awx"}
    return resource("JobTemplateStage", {"jobTemplate": "a", "connection": connection} | more)


def pipeline(**more):
    return resource("TektonStage", {"pipelineName": "build"} | more)


def trigger(**filter):
    return resource("StrategyTrigger", {"strategy": "main", "events": [{"filter": [filter]}]})


WRONG = {
    "unknown field": strategy(trigers=[]),
    "snake case": strategy(stage_name="x"),
    "missing field": resource("StrategyRun", {}),
    "missing spec": {key: value for key, value in resource("StrategyRun", {}).items() if key != "spec"},
    "number for text": resource("StrategyRun", {"strategy": 5}),
    "text for number": strategy(retries="2"),
    "negative number": strategy(retries=-1),
    "text for truth": resource("StrategyRun", {"strategy": "a", "cancel": "yes"}),
    "map for list": resource("StrategyRun", {"strategy": "a", "variables": {}}),
    "list for map": resource("StrategyRun", []),
    "empty text": resource("StrategyRun", {"strategy": ""}),
    "empty list": resource("StrategyDefinition", {"stageBindings": []}),
    "no length of time": strategy(timeout="5 minutes"),
    "no choice": resource("StageKind", {"kind": "A", "controller": "nobody"}),
    "no kind name": resource("StageKind", {"kind": "a", "controller": "external"}),
    "trigger without form": strategy(triggers=[{}]),
    "trigger of two forms": strategy(triggers=[{"match": {"a": "b"}, "anyOf": [{"match": {"a": "b"}}]}]),
    "trigger without attribute": strategy(triggers=[{"match": {}}]),
    "alternative without attribute": strategy(triggers=[{"anyOf": [{"match": {}}]}]),
    "no alternative": strategy(triggers=[{"anyOf": []}]),
    "filter of two forms": trigger(attribute="a", jsonPath="$.a"),
    "filter without form": trigger(allowed=["a"]),
    "kind without playbook": resource("StageKind", {"kind": "A"}),
    "status in other words": resource("StrategyRun", {"strategy": "a"}, status={"phase": "running"}),
    "null for required text": resource("StrategyRun", {"strategy": None}),
    "emitted event without name": strategy(emit=[{"status": "Success"}]),
    "null in a map": strategy(emit=[{"name": None}]),
    "no pipeline": resource("TektonStage", {}),
    "empty name of a pipeline": resource("TektonStage", {"pipelineName": ""}),
    "pipeline by name and by resolver": resource("TektonStage", {"pipelineName": "a", "resolver": {"name": "git"}}),
    "resolver without name": resource("TektonStage", {"resolver": {}}),
    "no template": job(jobTemplate=None),
    "template and workflow": job(workflowTemplate="b"),
    "AWX without Secret": job(connection={"url": "https://awx"}),
    "AWX at no address": job(connection={"url": "awx", "secret": "a"}),
    "verbosity past the last": job(verbosity=6),
    "workspace without volume": pipeline(workspaces=[{"name": "a"}]),
    "workspace on two volumes": pipeline(workspaces=[{"name": "a", "emptyDir": {}, "secret": {"secretName": "a"}}]),
    "timeout that is none": pipeline(timeouts={"tasks": "soon"}),
    "timeout of nothing": pipeline(timeouts={"all": "1h"}),
    "result without output": pipeline(results=[{"result": "a"}]),
}
RIGHT = {
    "null for what may be absent": strategy(timeout=None, retries=None),
    "null beside the other form": strategy(triggers=[{"match": {"a": "b"}, "anyOf": None}]),
    "filter with null": trigger(attribute="a", jsonPath=None),
    "values of any form": resource(
        "StrategyRun", {"strategy": "a", "variables": [{"name": "a", "value": [1, {"b": None}], "own": 1}]}
    ),
    "value null": resource("StrategyRun", {"strategy": "a", "variables": [{"name": "a", "value": None}]}),
    "kind of a person": resource("StageKind", {"kind": "A", "controller": "approval"}),
    "pinned definition": resource(
        "StrategyRun",
        {"strategy": "a"},
        status={"definition": {"digest": "x", "spec": strategy(triggers=[{"match": {"a": "b"}}])["spec"]}},
    ),
    "conditions": resource(
        "StrategyRun", {"strategy": "a"}, status={"conditions": [{"type": "Succeeded", "status": "Unknown"}]}
    ),
    "pipeline by name, resolver null": pipeline(resolver=None),
    "pipeline by resolver": resource("TektonStage", {"resolver": {"name": "git", "params": {"url": "https://a/b"}}}),
    "job template": job(),
    "workflow template": job(jobTemplate=None, workflowTemplate="b"),
    "job with prompts": job(limit="web", tags=["a"], verbosity=0, extraVars={"a": [1, {"b": None}]}),
    "params of all types": pipeline(params={"a": "b", "list": ["a"], "map": {"a": "b"}, "number": 5}),
    "workspaces": pipeline(workspaces=[{"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "c"}}]),
    "timeouts": pipeline(timeouts={"pipeline": "1h30m", "finally": "5m"}),
    "results": pipeline(results=[{"result": "url", "output": "image", "field": "location"}]),
}


def test_the_api_server_takes_our_crds(ask):
    assert ask(crds())["crds"] == []


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_the_api_server_takes_the_examples(refused, kind):
    (example,) = load(EXAMPLES[kind]).resources
    assert refused(example) == []


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_api_server_takes_the_canonical_form_of_a_sample(refused, path):
    ours = [resource for resource in load(path.read_text()).resources if resource["kind"] in BY_KIND]
    assert [refused(each) for each in ours] == [[]] * len(ours)


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_what_we_take_the_api_server_takes(refused, name):
    assert (validate(RIGHT[name]), refused(RIGHT[name])) == ([], [])


@pytest.mark.parametrize("name", sorted(WRONG))
def test_what_we_refuse_the_api_server_refuses(refused, name):
    assert validate(WRONG[name])
    assert refused(WRONG[name])
