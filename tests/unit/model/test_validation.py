"""What a person reads when a resource is wrong: the place, the reason and the likely fix."""

import pytest
from kabanero.model.errors import InvalidError
from kabanero.model.validation import check, validate, without_unknown

STAGE_KIND = {"spec": {"kind": "LoadTest", "controller": "external"}}


def resource(kind="StrategyRun", spec=None, **more):
    return {
        "apiVersion": "kabanero.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "a"},
        "spec": {"strategy": "main"} if spec is None else spec,
    } | more


def strategy(**binding):
    whole = {"stageName": "Build", "stageRef": {"kind": "AppsodyBuild", "name": "build"}} | binding
    return resource("StrategyDefinition", {"stageBindings": [whole]})


def said(resource, **options):
    return [str(problem) for problem in validate(resource, **options)]


def test_a_resource_that_is_right_has_no_problems():
    assert said(resource()) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            resource(spec={"strategy": "main", "emitt": {"name": "Start"}}),
            "spec.emitt: is not a field that is known here (did you mean emit?)",
        ),
        (
            resource(spec={"strategy": "main", "context_id": "1"}),
            "spec.context_id: is not a field that is known here (did you mean contextID?)",
        ),
        (
            resource(spec={}),
            "spec.strategy: is missing (add strategy: metadata.name of the StrategyDefinition in the same namespace.)",
        ),
        (
            resource(spec={"strategy": "main", "contextID": 12345}),
            'spec.contextID: must be text, but is the number 12345 (write it in quotes: "12345")',
        ),
        (
            resource(spec={"strategy": "main", "cancel": "yes"}),
            'spec.cancel: must be true or false, but is the text "yes" (write true or false, without quotes)',
        ),
        (resource(spec={"strategy": ""}), "spec.strategy: must not be empty"),
        (
            resource(spec={"strategy": "main", "variables": {"name": "a"}}),
            "spec.variables: must be a list, but is a map (begin each entry with `- `)",
        ),
        (
            resource(spec=[{"strategy": "main"}]),
            "spec: must be a map, but is a list (write its fields without `- ` before them)",
        ),
        (strategy(triggers=[{}]), "spec.stageBindings[0].triggers[0]: write either match or anyOf"),
        (
            strategy(triggers=[{"match": {}}]),
            "spec.stageBindings[0].triggers[0]: is empty: name at least one attribute of the event",
        ),
        (
            strategy(triggers=[{"match": {"name": True}}]),
            "spec.stageBindings[0].triggers[0].match.name: must be text, but is the truth value true "
            '(write it in quotes: "true")',
        ),
        (
            strategy(emit=[{"status": "Success"}]),
            "spec.stageBindings[0].emit[0]: needs a name: an event is known by it",
        ),
        (
            strategy(timeout="5 minutes"),
            "spec.stageBindings[0].timeout: is not a length of time such as 90s, 10m or 1h30m: "
            'it is the text "5 minutes"',
        ),
        (strategy(retries=-1), "spec.stageBindings[0].retries: must be at least 0, but is the number -1"),
        (
            strategy(retries="2"),
            'spec.stageBindings[0].retries: must be a whole number, but is the text "2" (write it without quotes: 2)',
        ),
        (resource("StrategyDefinition", {"stageBindings": []}), "spec.stageBindings: must have at least one entry"),
        (
            resource("TektonStage", {"pipelineName": "a", "resources": {"input": [{"name": "a", "type": "Github"}]}}),
            "spec.resources.input[0].type: must be one of github, image, docker, string, number, boolean, object, "
            'list, but is the text "Github" (did you mean github?)',
        ),
        (
            resource("StageKind", {"kind": "loadTest", "controller": "external"}),
            "spec.kind: is not the name of a kind: an upper-case letter, then letters and digits, such as LoadTest: "
            'it is the text "loadTest"',
        ),
        (
            resource("StageKind", {"kind": "LoadTest"}),
            "spec: a kind carried out by a playbook must name it in playbook",
        ),
        (
            resource("StrategyDefinitio"),
            'kind: "StrategyDefinitio" is not a kind that is known here (did you mean StrategyDefinition?)',
        ),
        (
            resource(apiVersion="v1"),
            'apiVersion: must be kabanero.io/v1alpha1 for a StrategyRun, but is the text "v1" '
            "(write apiVersion: kabanero.io/v1alpha1)",
        ),
        (resource(spce={}), "spce: is not a field that is known here (did you mean spec?)"),
        (
            resource(metadata={"name": "Main_x"}),
            "metadata.name: may hold only lower-case letters, digits, - and ., a letter or digit at both ends, "
            '253 characters at most: it is the text "Main_x" (main-x would do)',
        ),
        (
            resource(metadata={}),
            "metadata.name: is missing (add a name, or generateName for a name made by the server)",
        ),
        (
            resource(metadata={"name": "a", "labels": {"team": "a b"}}),
            "metadata.labels.team: may hold only letters, digits, -, _ and ., a letter or digit at both ends, "
            '63 characters at most: it is the text "a b" (a-b would do)',
        ),
        (
            resource(metadata={"name": "a", "lables": {}}),
            "metadata.lables: is not a field that is known here (did you mean labels?)",
        ),
        (
            resource(status={"phase": "running"}),
            "status.phase: must be one of Pending, Running, Succeeded, Failed, Errored, Cancelled, "
            'but is the text "running" (did you mean Running?)',
        ),
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"key": "not base64!"}},
            "data.key: is not base64 (write plain text under stringData)",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"port": 80}},
            'data.port: must be text, but is the number 80 (write it in quotes: "80")',
        ),
    ],
)
def test_one_mistake_is_one_message(wrong, message):
    assert said(wrong) == [message]


def test_all_mistakes_are_named_at_once():
    wrong = resource(metadata={"name": "A"}, spec={"emit": {}, "cancel": 1}, status={"phase": 1})
    places = {problem.path for problem in validate(wrong)}
    assert places == {"metadata.name", "spec.strategy", "spec.emit.name", "spec.cancel", "status.phase"}


def test_a_misspelt_required_field_is_not_reported_as_missing_too():
    wrong = resource(spec={"stratgy": "main"})
    assert said(wrong) == ["spec.stratgy: is not a field that is known here (did you mean strategy?)"]


def test_unknown_fields_are_tolerated_when_not_strict():
    assert said(resource(spec={"strategy": "main", "emitt": {}}), strict=False) == []


def test_a_misspelt_required_field_is_missing_when_not_strict():
    assert [problem.path for problem in validate(resource(spec={"stratgy": "a"}), strict=False)] == ["spec.strategy"]


def test_pruning_takes_unknown_fields_away_and_nothing_else():
    given = resource(spec={"strategy": "main", "emitt": {}, "variables": [{"name": "a", "own": 1}]}, spce={})
    kept = resource(spec={"strategy": "main", "variables": [{"name": "a", "own": 1}]})
    assert without_unknown(given) == kept


def test_pruning_leaves_the_input_as_it_is():
    given = resource(spec={"strategy": "main", "emitt": {}})
    without_unknown(given)
    assert "emitt" in given["spec"]


def test_a_kind_that_a_stage_kind_declares_takes_fields_of_its_own():
    stage = resource("LoadTest", {"users": 500, "resources": {"input": [{"name": "url"}]}})
    assert said(stage, custom={"LoadTest": STAGE_KIND}) == []


def test_a_kind_that_a_stage_kind_declares_keeps_the_rules_of_all_stages():
    stage = resource("LoadTest", {"users": 500, "retries": "many"})
    assert [problem.path for problem in validate(stage, custom={"LoadTest": STAGE_KIND})] == ["spec.retries"]


def test_snake_case_is_not_a_second_spelling():
    assert [p.path for p in validate(strategy(resource_bindings={}))] == ["spec.stageBindings[0].resource_bindings"]


def test_null_stands_for_a_field_that_may_be_absent():
    assert said(strategy(timeout=None)) == []


def test_check_raises_with_every_problem():
    with pytest.raises(InvalidError, match=r"StrategyRun a is invalid: spec\.strategy: is missing"):
        check(resource(spec={}))
