"""Patches: RFC 7386 and RFC 6902 as their examples say, and what a hostile patch may not do."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kabanero.api.patch import json_patch, merge, strategic
from kabanero.api.status import ApiError

RFC_7386_EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7386_EXAMPLES)
def test_merge_patch_follows_the_examples_of_rfc_7386(target, patch, result):
    assert merge(target, patch) == result


@pytest.mark.parametrize(
    ("target", "operations", "result"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
        ({"a": [1, 2, 3]}, [{"op": "replace", "path": "/a/1", "value": 9}], {"a": [1, 9, 3]}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"foo": ["a", "b"]}, [{"op": "move", "from": "/foo/0", "path": "/foo/1"}], {"foo": ["b", "a"]}),
        ({"a": {"b": [1]}}, [{"op": "copy", "from": "/a/b", "path": "/c"}], {"a": {"b": [1]}, "c": [1]}),
        ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "qux"}], {"baz": "qux"}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ],
)
def test_json_patch_follows_the_examples_of_rfc_6902(target, operations, result):
    assert json_patch(target, operations) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/missing/deeper", "value": 1},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "move", "from": "/inner", "path": "/inner/deeper"},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "add", "path": "/x"},
        {"op": "conjure", "path": "/a", "value": 1},
        {"op": "remove", "path": ""},
    ],
)
def test_an_operation_that_does_not_fit_is_named_in_the_error(operation):
    with pytest.raises(ApiError, match=rf"operation 0 \({operation['op']}") as caught:
        json_patch({"a": 1, "list": [1], "inner": {}}, [operation])
    assert caught.value.code == 422


@pytest.mark.parametrize("patch", [{}, "text", [1], [{"path": "/a"}], [{"op": 1}]])
def test_what_is_no_json_patch_is_a_bad_request(patch):
    with pytest.raises(ApiError) as caught:
        json_patch({}, patch)
    assert caught.value.code == 400


def test_a_patch_that_doubles_the_document_again_and_again_is_stopped():
    double = [{"op": "copy", "from": "/a", "path": f"/a/{n}"} for n in range(60)]
    with pytest.raises(ApiError, match="copies more than"):
        json_patch({"a": {"text": "x" * 1000}}, double)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, json_values)
def test_patches_leave_what_they_were_given_as_it_was(target, patch):
    before = copy.deepcopy((target, patch))
    merge(target, patch)
    strategic(target, patch)
    assert (target, patch) == before


@given(json_values)
def test_merging_a_document_without_nulls_into_nothing_gives_the_document(document):
    plain = merge(None, document)
    assert merge({}, plain) == plain


def test_a_strategic_patch_skips_directives_about_order_and_merges_maps():
    target = {"data": {"a": "1", "b": "2"}, "metadata": {"finalizers": ["x"]}}
    patch = {
        "$setElementOrder/finalizers": ["x", "y"],
        "data": {"a": None, "c": "3"},
        "metadata": {"finalizers": ["y"], "$deleteFromPrimitiveList/other": ["z"]},
    }
    expected = {"data": {"b": "2", "c": "3"}, "metadata": {"finalizers": ["x", "y"], "other": []}}
    assert strategic(target, patch) == expected


def test_a_strategic_patch_merges_owners_by_uid():
    target = {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "b"}]}
    patch = {"ownerReferences": [{"uid": "1", "$patch": "delete"}, {"uid": "2", "name": "c"}, {"uid": "3"}]}
    assert strategic(target, patch) == {"ownerReferences": [{"uid": "2", "name": "c"}, {"uid": "3"}]}
