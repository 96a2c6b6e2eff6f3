"""Tables: columns, cells and ages as `kubectl get` prints them."""

from datetime import UTC, datetime, timedelta

import pytest
from kabanero.api.ages import age, human_duration
from kabanero.api.catalog import Catalog
from kabanero.api.jsonpath import compile_path
from kabanero.api.tables import CORE_COLUMNS, Include, TableMaker
from kabanero.model.kinds.core import EVENT, SECRET
from kabanero.model.kinds.registry import KINDS, STRATEGY_RUN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RUN = {
    "apiVersion": "kabanero.io/v1alpha1",
    "kind": "StrategyRun",
    "metadata": {"name": "r1", "creationTimestamp": "2026-11-23T11:58:30Z", "labels": {"a": "b"}},
    "spec": {"strategy": "main"},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (312, "5m12s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (2 * 86400 + 4 * 3600, "2d4h"),
        (8 * 86400, "8d"),
        (3 * 365 * 86400, "3y"),
        (9 * 365 * 86400, "9y"),
        (-0.5, "0s"),
        (-60, "<invalid>"),
    ],
)
def test_durations_are_shown_in_at_most_two_units(seconds, shown):
    assert human_duration(seconds) == shown


@pytest.mark.parametrize("timestamp", [None, "", 5])
def test_an_age_without_a_time_is_unknown(timestamp):
    assert age(timestamp, NOW) == "<unknown>"


def test_an_age_counts_from_the_timestamp():
    assert age((NOW - timedelta(minutes=5)).isoformat(), NOW) == "5m"


def test_columns_of_a_kind_follow_its_name():
    table = TableMaker(STRATEGY_RUN.columns).table([RUN], {}, NOW)
    names = [column["name"] for column in table["columnDefinitions"]]
    assert names == ["Name", *(column.name for column in STRATEGY_RUN.columns)]


def test_cells_hold_values_empty_places_and_ages():
    table = TableMaker(STRATEGY_RUN.columns).table([RUN], {}, NOW)
    cells = dict(zip([column["name"] for column in table["columnDefinitions"]], table["rows"][0]["cells"], strict=True))
    assert (cells["Name"], cells["Phase"], cells["Summary"], cells["Completed"], cells["Age"]) == (
        "r1",
        "Running",
        None,
        None,
        "90s",
    )


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        (
            Include.METADATA,
            {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": RUN["metadata"]},
        ),
        (Include.OBJECT, RUN),
        (Include.NONE, None),
    ],
)
def test_rows_carry_as_much_of_the_object_as_is_asked_for(include, expected):
    [row] = TableMaker((), include).table([RUN], {}, NOW)["rows"]
    assert row.get("object") == expected


def test_later_tables_of_a_watch_leave_the_definitions_out():
    assert TableMaker(()).table([RUN], {}, NOW, definitions=False)["columnDefinitions"] is None


def test_a_secret_shows_how_many_values_it_has_and_never_one_of_them():
    secret = {"metadata": {"name": "s"}, "type": "Opaque", "data": {"a": "c2VjcmV0", "b": "eA=="}}
    [row] = TableMaker(CORE_COLUMNS[SECRET], Include.NONE).table([secret], {}, NOW)["rows"]
    assert row["cells"] == ["s", "Opaque", 2, None]


def test_an_event_shows_what_it_is_about():
    event = {"metadata": {"name": "e"}, "involvedObject": {"kind": "StrategyRun", "name": "r1"}}
    [row] = TableMaker(CORE_COLUMNS[EVENT]).table([event], {}, NOW)["rows"]
    assert "strategyrun/r1" in row["cells"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type.kind)
def test_every_column_of_every_kind_has_a_path_that_can_be_read(kind):
    assert [compile_path(column.path)({}) for column in Catalog().columns(kind.type)] == [None] * len(kind.columns)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".a.b", 1),
        (".list[1]", "y"),
        (".list[7]", None),
        (".a['b']", 1),
        ('.c[?(@.type=="Ready")].status', "True"),
        ('.c[?(@.type=="Other")].status', None),
        (".list.a", None),
        (".a.b.c", None),
    ],
)
def test_paths_find_values_or_nothing(path, value):
    resource = {"a": {"b": 1}, "list": ["x", "y"], "c": [5, {"type": "Ready", "status": "True"}]}
    assert compile_path(path)(resource) == value


def test_a_path_of_another_form_is_refused_with_the_place():
    with pytest.raises(ValueError, match=r"at '\.\.b'"):
        compile_path(".a..b")
