"""Who may carry an attempt out, and when the holder of a claim counts as gone."""

from __future__ import annotations

from typing import Any

import pytest
from kabanero.stages.claims import Claim, Sightings, Standing, standing

US, THEM = "us", "them"
CLAIM = Claim(THEM, "2026-11-24T12:00:00Z", 20.0)


def stage_run(*, spec: dict[str, Any] | None = None, holder: str = "", **status: Any) -> dict[str, Any]:
    """Handed over and not begun, unless said otherwise."""
    claim = {"claim": {"holder": holder, "renewed": "x", "seconds": 20}} if holder else {}
    given = {"phase": "Triggered", "attempt": 1, "waitsOn": "External", **claim, **status}
    return {"metadata": {"name": "a", "uid": "1"}, "spec": spec or {}, "status": given}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (stage_run(), Standing.FREE),
        (stage_run(phase="Running", holder=US), Standing.OURS),
        (stage_run(phase="Running", holder=THEM), Standing.TAKEN),
        (stage_run(phase="Running"), Standing.CLOSED),
        (stage_run(phase="Succeeded"), Standing.CLOSED),
        (stage_run(phase="Succeeded", holder=US), Standing.CLOSED),
        (stage_run(waitsOn=None), Standing.CLOSED),
        (stage_run(waitsOn="Approval"), Standing.CLOSED),
        (stage_run(spec={"cancel": True}), Standing.CLOSED),
        ({"metadata": {"name": "a"}, "spec": {}}, Standing.CLOSED),
    ],
)
def test_what_a_stage_run_is_to_a_process(resource: dict[str, Any], expected: Standing) -> None:
    assert standing(resource, US) is expected


def test_a_stage_run_that_is_being_deleted_is_nobodys() -> None:
    leaving = stage_run()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    assert standing(leaving, US) is Standing.CLOSED


def test_a_claim_that_stays_the_same_for_its_time_is_nobodys() -> None:
    sightings = Sightings()
    sightings.in_touch(0)
    sightings.see("1", CLAIM, 5)
    assert not sightings.is_gone("1", 24.9)
    assert sightings.is_gone("1", 25)


def test_a_renewal_counts_from_when_it_is_seen() -> None:
    sightings = Sightings()
    sightings.in_touch(0)
    sightings.see("1", CLAIM, 5)
    sightings.see("1", Claim(THEM, "later", 20.0), 20)
    sightings.see("1", Claim(THEM, "later", 20.0), 30)
    assert not sightings.is_gone("1", 39)
    assert sightings.is_gone("1", 40)


def test_time_without_the_api_server_counts_against_no_holder() -> None:
    sightings = Sightings()
    sightings.in_touch(0)
    sightings.see("1", CLAIM, 0)
    sightings.out_of_touch()
    assert not sightings.is_gone("1", 1000)
    sightings.in_touch(1000)
    sightings.in_touch(1010)
    assert not sightings.is_gone("1", 1019)
    assert sightings.is_gone("1", 1020)


def test_what_was_never_seen_or_is_forgotten_is_not_gone() -> None:
    sightings = Sightings()
    sightings.in_touch(0)
    sightings.see("1", CLAIM, 0)
    sightings.forget("1")
    assert not sightings.is_gone("1", 1000)
    assert not sightings.is_gone("2", 1000)
