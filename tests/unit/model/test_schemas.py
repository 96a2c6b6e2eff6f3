import pytest
from kabanero.model.kinds.registry import BY_KIND, INTERNAL_KINDS, KINDS
from kabanero.model.schemas import crd, crds, structural_schema
from kabanero.model.shapes import Shape

from .structural import violations

NAMES = sorted(BY_KIND)


def spec(kind, *path):
    schema = structural_schema(BY_KIND[kind].spec)
    for step in path:
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


@pytest.mark.parametrize("kind", NAMES)
def test_specs_are_structural(kind):
    assert violations(structural_schema(BY_KIND[kind].spec)) == []


@pytest.mark.parametrize("kind", NAMES)
def test_statuses_are_structural(kind):
    assert violations(structural_schema(BY_KIND[kind].status)) == []


@pytest.mark.parametrize("kind", NAMES)
def test_a_schema_has_exactly_the_fields_of_its_kind(kind):
    model = BY_KIND[kind].spec
    assert set(structural_schema(model)["properties"]) == set(Shape("object", model=model).fields)


@pytest.mark.parametrize("kind", NAMES)
def test_every_field_is_described(kind):
    def undescribed(schema, path):
        for name, inner in schema.get("properties", {}).items():
            if not inner.get("description"):
                yield f"{path}.{name}"
            yield from undescribed(inner, f"{path}.{name}")
        yield from undescribed(schema.get("items", {}), f"{path}[]") if "items" in schema else ()

    schemas = (structural_schema(BY_KIND[kind].spec), structural_schema(BY_KIND[kind].status))
    assert [path for schema in schemas for path in undescribed(schema, kind)] == []


def test_required_fields_are_required():
    assert spec("StrategyRun")["required"] == ["strategy"]


def test_choices_become_an_enum():
    assert spec("StageKind", "controller")["enum"] == ["playbook", "external", "approval"]


def test_a_field_that_may_be_absent_is_nullable_and_not_required():
    timeout = spec("PlaybookStage", "timeout")
    assert timeout["nullable"] is True
    assert "timeout" not in spec("PlaybookStage")["required"]


def test_objects_with_fields_of_the_users_own_keep_them():
    assert spec("StrategyRun", "variables", "[]")["x-kubernetes-preserve-unknown-fields"] is True


def test_a_value_of_any_form_has_no_type():
    assert "type" not in spec("StrategyRun", "variables", "[]", "value")


def test_maps_of_text_say_so():
    match = spec("StrategyDefinition", "stageBindings", "[]", "triggers", "[]", "match")
    assert match["additionalProperties"] == {"type": "string"}


def test_rules_across_fields_are_said_in_cel():
    (rule,) = spec("StrategyTrigger", "events", "[]", "filter", "[]")["x-kubernetes-validations"]
    assert rule == {
        "rule": "has(self.attribute) != has(self.jsonPath)",
        "message": "write either attribute or jsonPath",
    }


def test_conditions_are_a_map_by_type():
    conditions = structural_schema(BY_KIND["StrategyRun"].status)["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_the_pinned_definition_is_left_open():
    definition = structural_schema(BY_KIND["StrategyRun"].status)["properties"]["definition"]
    assert definition["x-kubernetes-preserve-unknown-fields"] is True
    assert "properties" not in definition


def test_there_is_one_crd_for_every_kind():
    assert [each["spec"]["names"]["kind"] for each in crds()] == [kind.type.kind for kind in (*KINDS, *INTERNAL_KINDS)]


def test_a_crd_names_its_kind_in_every_way():
    assert crd(BY_KIND["StrategyRun"])["spec"]["names"] == {
        "kind": "StrategyRun",
        "listKind": "StrategyRunList",
        "plural": "strategyruns",
        "singular": "strategyrun",
        "shortNames": ["run", "runs"],
        "categories": ["kabanero"],
    }


@pytest.mark.parametrize("kind", NAMES)
def test_selectable_fields_and_columns_exist_in_the_schema(kind):
    (version,) = crd(BY_KIND[kind])["spec"]["versions"]
    for field in version.get("selectableFields", ()):
        schema = version["schema"]["openAPIV3Schema"]
        for step in field["jsonPath"].strip(".").split("."):
            schema = schema["properties"][step]
        assert schema["type"] in ("string", "boolean", "integer")


@pytest.mark.parametrize("kind", NAMES)
def test_the_status_is_written_apart_from_the_spec(kind):
    assert crd(BY_KIND[kind])["spec"]["versions"][0]["subresources"] == {"status": {}}
