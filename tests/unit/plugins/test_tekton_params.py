"""How a stage's inputs become a Pipeline's params."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.tekton_params import choose_params, offer

SOURCE = {"location": "https://github.com/user/hello", "branch": "main", "commit": "c0ffee"}
IMAGE = {"location": "registry/shop:1", "digest": "sha256:ab"}
INPUTS = {"source": SOURCE, "image": IMAGE, "replicas": 3, "debug": True, "nothing": None}
TYPES = {"source": "github", "image": "image", "replicas": "number", "debug": "boolean", "nothing": "string"}


def declared(*names: str, type: str = "string", **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "type": type, **more} for name in names]


def chosen(params: list[dict[str, Any]] | None, given: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    offered = offer({**INPUTS, **values}, TYPES)
    return dict(choose_params(params, given or {}, offered, "Pipeline build"))


def refusal(*arguments: Any, **values: Any) -> tuple[str, str]:
    with pytest.raises(KabaneroError) as caught:
        chosen(*arguments, **values)
    return str(caught.value), caught.value.details["reason"]


def test_a_repository_gives_url_revision_and_branch() -> None:
    found = chosen(declared("source-url", "source-revision", "source-branch"))
    assert found == {"source-url": SOURCE["location"], "source-revision": "c0ffee", "source-branch": "main"}


def test_without_a_commit_the_branch_is_the_revision() -> None:
    assert chosen(declared("source-revision"), source={"location": "x", "branch": "main"}) == {
        "source-revision": "main"
    }


def test_an_image_gives_its_location_and_digest() -> None:
    assert chosen(declared("image", "image-digest")) == {"image": "registry/shop:1", "image-digest": "sha256:ab"}


def test_other_values_are_written_as_text() -> None:
    assert chosen(declared("replicas", "debug")) == {"replicas": "3", "debug": "true"}


@pytest.mark.parametrize("name", ["source_url", "sourceUrl", "SOURCE-URL", "SourceURL"])
def test_case_and_separators_count_for_nothing(name: str) -> None:
    assert chosen(declared(name)) == {name: SOURCE["location"]}


def test_the_exact_name_counts_before_a_similar_one() -> None:
    found = chosen(declared("app-name", "app_name"), **{"app-name": "a", "app_name": "b"})
    assert found == {"app-name": "a", "app_name": "b"}


def test_what_the_pipeline_does_not_declare_is_not_sent() -> None:
    assert chosen([]) == {}


def test_the_stages_own_params_count_first() -> None:
    assert chosen(declared("image"), {"image": "other"}) == {"image": "other"}
    assert chosen(declared("image_name"), {"image-name": "other"}) == {"image_name": "other"}


def test_a_param_of_null_is_as_good_as_none() -> None:
    assert chosen(declared("image"), {"image": None}) == {"image": "registry/shop:1"}


def test_a_default_is_left_to_the_pipeline() -> None:
    assert chosen(declared("flavour", default="vanilla")) == {}


def test_lists_and_maps_keep_their_form() -> None:
    params = [*declared("flags", type="array"), *declared("image", type="object")]
    found = chosen(params, {"flags": ["-v", 2]}, image={"location": "x", "size": 3, "none": None})
    assert found == {"flags": ["-v", "2"], "image": {"location": "x", "size": "3"}}


def test_one_value_does_for_a_list() -> None:
    assert chosen(declared("flags", type="array"), {"flags": "-v"}) == {"flags": ["-v"]}


def test_what_is_missing_is_named_with_what_it_may_have_meant() -> None:
    said, reason = refusal(declared("source-urls", "flavour"))
    assert "needs the params source-urls (there is source-url), flavour" in said
    assert "set spec.params.source-urls" in said
    assert reason == "ParamsMissing"


def test_an_input_without_a_value_does_not_count() -> None:
    assert refusal(declared("nothing"))[1] == "ParamsMissing"


def test_a_param_that_the_pipeline_does_not_have_is_a_mistake() -> None:
    said, reason = refusal(declared("image"), {"imagee": "x"})
    assert said == "Pipeline build has no param imagee; did you mean image?"
    assert reason == "ParamUnknown"


def test_a_value_of_the_wrong_form_is_a_mistake() -> None:
    said, reason = refusal(declared("image"), {"image": ["a", "b"]})
    assert said.startswith("param image is a string, but its value is a list")
    assert reason == "ParamInvalid"


def test_what_a_resolver_fetches_gets_the_usual_params_and_the_given_ones() -> None:
    found = chosen(None, {"flavour": "vanilla", "image": "other"})
    assert found == {
        "source-url": SOURCE["location"],
        "source-revision": "c0ffee",
        "source-branch": "main",
        "replicas": "3",
        "debug": "true",
        "flavour": "vanilla",
        "image": "other",
    }


def test_the_values_form_tells_a_type_that_is_not_declared() -> None:
    offered = offer({"source": SOURCE, "image": IMAGE}, {})
    assert offered["source-url"].value == SOURCE["location"]
    assert offered["image"].value == "registry/shop:1"


def test_what_a_resolver_fetches_gets_nothing_that_has_no_value() -> None:
    assert chosen(None, image={"digest": "sha256:ab"}, source=None, replicas=None, debug=None) == {}


def test_a_template_in_a_value_stays_a_text() -> None:
    assert chosen(declared("image"), image={"location": "{{ 7 * 7 }}"}) == {"image": "{{ 7 * 7 }}"}
