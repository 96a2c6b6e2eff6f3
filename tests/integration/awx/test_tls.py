"""JobTemplateStages at an AWX behind TLS: whom a stage believes, and what it says of whom it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.awx.world import QUICK, World
from tests.support.awx import FakeAwx, Script
from tests.support.runner import Runner
from tests.testbed.pki import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that no system knows."""
    return Authority(tmp_path / "authority")


@pytest.fixture
def awx(authority: Authority) -> Iterator[FakeAwx]:
    """An AWX with a certificate of it."""
    with FakeAwx(certificate=authority.issue("awx", hosts=("127.0.0.1",))) as started:
        started.template("deploy", Script(hold=True))
        yield started


@pytest.fixture
def world(awx: FakeAwx, tmp_path: Path) -> Iterator[World]:
    """A runner beside it."""
    with Runner(tmp_path, config=QUICK) as runner:
        yield World(runner, awx)


def ended(world: World, **connection: object) -> dict[str, object]:
    """How a stage with this connection ends."""
    world.set_up(connection=connection)
    world.start()
    return world.ended()


def test_an_authority_of_ones_own_is_believed(world: World, awx: FakeAwx, authority: Authority) -> None:
    world.set_up(connection={"caCertificate": authority.certificate.read_text()})
    world.start()
    awx.end(world.job_known())
    assert world.ended()["phase"] == "Succeeded"


def test_without_it_the_setting_is_named_that_takes_it(world: World) -> None:
    status = ended(world)
    assert (status["phase"], status["reason"]) == ("Errored", "CertificateRefused")
    assert world.awx.url in str(status["message"])
    assert "put the authority that signed it, which is none of the system's, into spec.connection.caCertificate" in str(
        status["message"]
    )
    assert world.awx.requests == []


def test_another_authority_is_told_from_the_right_one(world: World, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other").certificate.read_text()
    status = ended(world, caCertificate=other)
    assert status["reason"] == "CertificateRefused"
    assert "spec.connection.caCertificate holds another authority than the one that signed it" in str(status["message"])


def test_a_certificate_for_another_name_is_not_believed(world: World, awx: FakeAwx, authority: Authority) -> None:
    url = awx.url.replace("127.0.0.1", "localhost")
    status = ended(world, url=url, caCertificate=authority.certificate.read_text())
    assert status["reason"] == "CertificateRefused"
    assert "write the name that it was made for into spec.connection.url" in str(status["message"])


def test_what_is_no_certificate_is_told_at_once(world: World) -> None:
    status = ended(world, caCertificate="our authority")
    assert status["reason"] == "ConnectionInvalid"
    assert "spec.connection.caCertificate holds no certificates in PEM form" in str(status["message"])


def test_verification_can_be_switched_off(world: World, awx: FakeAwx) -> None:
    world.set_up(connection={"verifyTls": False})
    world.start()
    awx.end(world.job_known())
    assert world.ended()["phase"] == "Succeeded"


def test_a_certificate_that_goes_bad_while_a_job_runs_costs_only_time(
    world: World, awx: FakeAwx, authority: Authority, tmp_path: Path
) -> None:
    world.set_up(connection={"caCertificate": authority.certificate.read_text()})
    world.start()
    id = world.job_known()
    awx.renew(Authority(tmp_path / "other").issue("awx", hosts=("127.0.0.1",)))
    world.until(lambda: "is not believed" in (world.stage()["status"].get("progress") or {}).get("message", ""), "news")
    awx.renew(authority.issue("awx", hosts=("127.0.0.1",)))
    awx.end(id)
    assert world.ended()["phase"] == "Succeeded"
