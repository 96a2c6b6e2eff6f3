"""How the PipelineRun of a stage looks, and what happens when it is there or the API server is not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.kabanero.events.plugins.module_utils.errors import (
    ApiError,
    KabaneroError,
    UnreachableError,
    from_status,
)
from ansible_collections.kabanero.events.plugins.module_utils.tekton_pipelines import Pipelines
from ansible_collections.kabanero.events.plugins.module_utils.tekton_run import (
    go_duration,
    label_value,
    pipeline_run,
    run_name,
)

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
OPTIONS: dict[str, Any] = {
    "name": None,
    "pipeline": "build",
    "resolver": None,
    "namespace": "kabanero",
    "params": None,
    "inputs": None,
    "outputs": None,
    "declared": None,
    "workspaces": None,
    "service_account": None,
    "timeouts": None,
    "timeout": 0,
    "labels": None,
    "annotations": None,
    "context_id": "20261123-ab",
    "strategy": "main",
    "strategy_run": "main-1",
    "stage_name": "Unit tests",
    "stage_run": "main-1-unit-tests",
    "stage_run_uid": "11111111-2222-3333-4444-555555555555",
    "stage_run_namespace": "kabanero",
    "attempt": 1,
}


def options(**given: Any) -> dict[str, Any]:
    return {**OPTIONS, **given}


def pipeline(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "build"}, "spec": spec}


def made(pipeline_spec: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    return dict(pipeline_run(options(**given), pipeline(**(pipeline_spec or {}))))


# --- name and labels ---


def test_the_name_is_the_same_for_the_same_attempt_and_another_for_the_next() -> None:
    assert run_name(options()) == run_name(options())
    assert run_name(options(attempt=2)) != run_name(options())


def test_a_stage_run_that_was_made_anew_has_another_name() -> None:
    assert run_name(options(stage_run_uid="other")) != run_name(options())


@pytest.mark.parametrize("stage_run", ["a", "a" * 200, "main.1-build", "x-" * 100])
def test_the_name_fits_a_label(stage_run: str) -> None:
    name = run_name(options(stage_run=stage_run, attempt=12))
    assert len(name) <= 63 and LABEL.fullmatch(name)


def test_long_names_of_two_stage_runs_stay_two() -> None:
    first, second = ("a" * 100 + end for end in ("1", "2"))
    names = {run_name(options(stage_run=each, stage_run_uid=None)) for each in (first, second)}
    assert len(names) == 2


def test_free_text_is_kept_in_an_annotation_and_fits_a_label() -> None:
    metadata = made()["metadata"]
    assert metadata["annotations"]["kabanero.io/stage"] == "Unit tests"
    assert metadata["labels"]["kabanero.io/stage"] == label_value("Unit tests")
    assert metadata["labels"]["kabanero.io/strategy-run"] == "main-1"


@pytest.mark.parametrize("text", ["Build", "Ünï tests", "😀", "-a-", "a" * 64, "a b"])
def test_labels_are_legal(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", label_value(text))


def test_two_texts_have_two_labels() -> None:
    assert label_value("a b") != label_value("a-b") != label_value("a  b")


def test_it_is_owned_by_the_stage_run_of_its_namespace() -> None:
    (owner,) = made()["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("StageRun", "main-1-unit-tests", OPTIONS["stage_run_uid"])


def test_an_owner_in_another_namespace_would_be_taken_for_gone() -> None:
    assert "ownerReferences" not in made(namespace="builds")["metadata"]


# --- spec ---


def test_a_resolver_takes_the_place_of_the_name() -> None:
    resolver = {"name": "bundle", "params": {"bundle": "registry/p", "name": "build", "kind": "pipeline"}}
    spec = pipeline_run(options(pipeline=None, resolver=resolver), None)["spec"]
    assert spec["pipelineRef"]["resolver"] == "bundles"
    assert {"name": "kind", "value": "pipeline"} in spec["pipelineRef"]["params"]


def test_the_service_account_is_where_v1_has_it() -> None:
    assert made(service_account="builder")["spec"]["taskRunTemplate"] == {"serviceAccountName": "builder"}


def test_the_stages_timeout_bounds_the_pipeline() -> None:
    assert made(timeout=90)["spec"]["timeouts"] == {"pipeline": "90s"}
    assert made(timeout=90, timeouts={"pipeline": "1h", "finally": "1m"})["spec"]["timeouts"] == {
        "pipeline": "3600s",
        "finally": "60s",
    }
    assert "timeouts" not in made()["spec"]


@pytest.mark.parametrize(
    ("text", "go"), [("1d12h", "129600s"), ("1500ms", "1.5s"), ("1h30m", "5400s"), ("0.5s", "0.5s")]
)
def test_lengths_of_time_are_written_as_go_reads_them(text: str, go: str) -> None:
    assert go_duration(text) == go


@pytest.mark.parametrize("text", ["", "soon", "5", "5 m", "1h!"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(KabaneroError):
        go_duration(text)


def test_a_workspace_is_named_as_the_pipeline_names_it() -> None:
    wanted = [{"name": "shared_work", "emptyDir": {}, "subPath": ""}]
    spec = made({"workspaces": [{"name": "shared-work"}]}, workspaces=wanted)["spec"]
    assert spec["workspaces"] == [{"name": "shared-work", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("workspaces", "reason"),
    [
        ([], "WorkspacesMissing"),
        ([{"name": "other", "emptyDir": {}}], "WorkspaceUnknown"),
        ([{"name": "work"}], "WorkspaceInvalid"),
        ([{"name": "work", "emptyDir": {}, "secret": {"secretName": "a"}}], "WorkspaceInvalid"),
    ],
)
def test_workspaces_that_do_not_fit_are_refused(workspaces: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(KabaneroError) as caught:
        made({"workspaces": [{"name": "work"}]}, workspaces=workspaces)
    assert caught.value.details["reason"] == reason


def test_an_optional_workspace_may_be_left_out() -> None:
    assert "workspaces" not in made({"workspaces": [{"name": "work", "optional": True}]})["spec"]


def test_an_input_counts_before_an_output_of_the_same_name() -> None:
    params = made(
        {"params": [{"name": "image"}]},
        inputs={"image": {"location": "in"}},
        outputs={"image": {"location": "out"}},
    )["spec"]["params"]
    assert params == [{"name": "image", "value": "in"}]


# --- the API server ---


class Server:
    """Answers as told, in order; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.paused = list(answers), [], 0.0

    def request(self, method: str, path: str, query: Any = None, body: Any = None) -> Any:
        self.asked.append((method, path.rsplit("/kabanero/", 1)[1]))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return body if answer == "made" else answer

    def pause(self, seconds: float) -> None:
        self.paused += seconds

    def run(self, patience: float = 60, **given: Any) -> tuple[dict[str, Any], bool]:
        pipelines = Pipelines(self, "kabanero", patience, clock=lambda: self.paused, pause=self.pause)
        return pipelines.run(options(**given))  # type: ignore[no-any-return]


def refused(code: int, reason: str, name: str = "x") -> ApiError:
    details = {"name": name} if name else {}
    return from_status(code, {"kind": "Status", "reason": reason, "message": reason, "details": details})  # type: ignore[no-any-return]


def test_two_requests_make_a_pipeline_run() -> None:
    server = Server(pipeline(), "made")
    run, is_new = server.run()
    assert is_new and run["metadata"]["name"] == run_name(options())
    assert server.asked == [("GET", "pipelines/build"), ("POST", "pipelineruns")]


def test_what_is_there_already_is_taken() -> None:
    there = pipeline_run(options(), pipeline())
    run, is_new = Server(pipeline(), refused(409, "AlreadyExists"), there).run()
    assert run is there and not is_new


def test_what_somebody_else_made_under_our_name_is_not_taken() -> None:
    there = pipeline_run(options(stage_run_uid="other"), pipeline())
    with pytest.raises(KabaneroError, match="was not made for this stage run") as caught:
        Server(pipeline(), refused(409, "AlreadyExists"), there).run()
    assert caught.value.details["reason"] == "PipelineRunTaken"


def test_a_pipeline_that_is_not_there_is_answered_with_a_near_one() -> None:
    there = {"items": [{"metadata": {"name": "builds"}}]}
    with pytest.raises(KabaneroError, match="did you mean builds") as caught:
        Server(refused(404, "NotFound", "build"), there).run()
    assert caught.value.details["reason"] == "PipelineNotFound"


def test_a_cluster_without_tekton_is_called_that() -> None:
    with pytest.raises(KabaneroError, match="is Tekton Pipelines installed") as caught:
        Server(from_status(404, "404 page not found")).run()
    assert caught.value.details["reason"] == "TektonNotFound"


def test_an_api_server_that_is_away_is_waited_for() -> None:
    server = Server(
        UnreachableError("away"), refused(503, "ServiceUnavailable"), pipeline(), UnreachableError("x"), "made"
    )
    assert server.run()[1] is True


def test_the_wait_has_an_end() -> None:
    server = Server(*[UnreachableError("away")] * 100)
    with pytest.raises(UnreachableError):
        server.run(patience=30)
    assert server.paused <= 30


def test_a_refusal_is_not_tried_again() -> None:
    server = Server(pipeline(), refused(403, "Forbidden"))
    with pytest.raises(ApiError) as caught:
        server.run()
    assert caught.value.details["reason"] == "Forbidden" and server.paused == 0
