"""Which clauses of a selector go to the API server."""

from __future__ import annotations

import pytest
from kabanero.model.kinds.core import NAMESPACE
from kabanero.model.kinds.registry import STAGE_RUN
from kabanero.model.selectors import EVERYTHING, Requirement, Selector, parse_selector
from kabanero.stores.kubernetes.selecting import split


@pytest.mark.parametrize(
    "labels", ["a=b", "a!=b", "a in (b,c)", "a notin (b)", "a", "!a", "a=b,c,!d,e in (f,g)", "example.com/a="]
)
def test_labels_go_to_the_server_as_they_were_written(labels):
    query, ours = split(STAGE_RUN.type, parse_selector(labels))
    assert (query["labelSelector"], ours) == (labels, EVERYTHING)


@pytest.mark.parametrize(
    "fields", ["status.phase=Running", "status.phase=", "metadata.name!=a", "metadata.namespace=b"]
)
def test_fields_that_the_definition_lists_go_to_the_server(fields):
    query, ours = split(STAGE_RUN.type, parse_selector("", fields))
    assert (query["fieldSelector"], ours) == (fields, EVERYTHING)


def test_other_fields_are_left_to_us():
    query, ours = split(STAGE_RUN.type, parse_selector("", "status.phase=Running,status.message=x"))
    assert query["fieldSelector"] == "status.phase=Running"
    assert ours == parse_selector("", "status.message=x")


def test_a_kind_without_namespaces_is_not_selected_by_them_at_the_server():
    assert split(NAMESPACE, parse_selector("", "metadata.namespace="))[0]["fieldSelector"] == ""


def test_what_has_a_meaning_in_selectors_is_escaped_in_values():
    selector = Selector(fields=(Requirement("spec.stageName", "=", ("a,b=c\\d",)),))
    assert split(STAGE_RUN.type, selector)[0]["fieldSelector"] == "spec.stageName=a\\,b\\=c\\\\d"
