"""Which secret is valid for which delivery, and that a refusal tells nothing."""

from __future__ import annotations

import pytest
from kabanero.sources import github_keys
from kabanero.sources.github_keys import Grant, KeyRing
from kabanero.sources.github_origin import Origin, read_source_url
from kabanero.sources.github_refusal import UnverifiedError
from kabanero.sources.github_signature import sign

from tests.support.github import key_ring

BODY = b"{}"
HELLO = Origin("github.com", "Acme", "Hello")
OTHER = Origin("github.com", "other", "thing")
ACME, ACME_HELLO = "https://github.com/acme", "https://github.com/acme/hello"


def verify(keys: KeyRing, secret: bytes, origin: Origin = HELLO) -> list[Grant]:
    return keys.verify(origin, BODY, sign(secret, BODY))


def test_a_repositorys_secret_is_valid_for_it() -> None:
    assert verify(key_ring(ACME_HELLO, b"s"), b"s") == [Grant("", "kabanero/hello")]


def test_an_organisations_secret_is_valid_for_its_repositories() -> None:
    assert verify(key_ring(ACME, b"s"), b"s")


def test_an_enterprises_secret_is_valid_for_its_events_and_for_the_organisation_of_that_name() -> None:
    keys = key_ring("https://github.com/enterprises/acme", b"s")

    assert verify(keys, b"s", Origin("github.com", enterprise="acme"))
    assert verify(keys, b"s", HELLO)


def test_old_and_new_secret_are_both_valid() -> None:
    keys = key_ring(ACME_HELLO, b"new", b"old")

    assert verify(keys, b"new") == verify(keys, b"old")


def test_the_secret_of_the_repository_and_of_the_organisation_are_both_valid() -> None:
    keys = key_ring(ACME_HELLO, b"repository")
    keys.put(("kabanero", "org"), read_source_url(ACME), [b"organisation"])

    assert verify(keys, b"repository") == [Grant("", "kabanero/hello")]
    assert verify(keys, b"organisation") == [Grant("", "kabanero/org")]


@pytest.mark.parametrize(
    "origin",
    [
        Origin("github.com", "acme", "hello2"),
        Origin("github.com", "acm", "ehello"),
        Origin("ghe.example.com", "acme", "hello"),
        Origin("github.com", "acme"),
        OTHER,
    ],
)
def test_a_repositorys_secret_is_valid_for_no_other(origin: Origin) -> None:
    with pytest.raises(UnverifiedError):
        verify(key_ring(ACME_HELLO, b"s"), b"s", origin)


def test_an_empty_secret_is_never_valid() -> None:
    with pytest.raises(UnverifiedError):
        verify(key_ring(ACME_HELLO, b"", b"s"), b"")


def test_padding_is_never_valid() -> None:
    keys = key_ring(ACME_HELLO, b"s")

    with pytest.raises(UnverifiedError):
        verify(keys, bytes(32), OTHER)


def test_a_source_that_was_dropped_verifies_nothing() -> None:
    keys = key_ring(ACME_HELLO, b"s")
    keys.drop(("kabanero", "hello"))

    with pytest.raises(UnverifiedError):
        verify(keys, b"s")


def test_new_secrets_take_the_place_of_the_old_ones() -> None:
    keys = key_ring(ACME_HELLO, b"old")
    keys.put(("kabanero", "hello"), read_source_url(ACME_HELLO), [b"new"])

    assert verify(keys, b"new")
    with pytest.raises(UnverifiedError):
        verify(keys, b"old")


def test_dropping_one_source_leaves_another_of_the_same_repository() -> None:
    keys = key_ring(ACME_HELLO, b"s")
    keys.put(("team", "hello"), read_source_url(ACME_HELLO), [b"s"])
    keys.drop(("kabanero", "hello"))

    assert verify(keys, b"s") == [Grant("team", "team/hello")]


def test_a_source_of_the_shared_namespace_speaks_to_every_namespace() -> None:
    keys = key_ring(ACME_HELLO, b"s", source=("kabanero", "hello"), shared="kabanero")
    keys.put(("team", "hello"), read_source_url(ACME_HELLO), [b"s"])

    assert verify(keys, b"s") == [Grant("", "kabanero/hello")]


def test_a_source_of_another_namespace_speaks_to_its_own_only() -> None:
    assert verify(key_ring(ACME_HELLO, b"s", source=("team", "hello")), b"s") == [Grant("team", "team/hello")]


def test_without_a_shared_namespace_every_source_speaks_to_its_own_only() -> None:
    assert verify(key_ring(ACME_HELLO, b"s", shared=""), b"s") == [Grant("kabanero", "kabanero/hello")]


def test_namespaces_that_have_the_same_secret_are_both_told() -> None:
    keys = key_ring(ACME_HELLO, b"s", source=("team-b", "hello"))
    keys.put(("team-a", "org"), read_source_url(ACME), [b"s"])

    assert verify(keys, b"s") == [Grant("team-a", "team-a/org"), Grant("team-b", "team-b/hello")]


def test_one_namespace_is_told_once() -> None:
    keys = key_ring(ACME_HELLO, b"s", source=("team", "repository"))
    keys.put(("team", "organisation"), read_source_url(ACME), [b"s"])

    assert verify(keys, b"s") == [Grant("team", "team/organisation")]


def test_a_refusal_takes_the_same_work_whatever_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = key_ring(ACME_HELLO, b"1", b"2")
    keys.put(("kabanero", "org"), read_source_url(ACME), [b"3"])
    keys.put(("kabanero", "other"), read_source_url("https://github.com/other/lone"), [b"4"])
    work: list[bytes] = []
    monkeypatch.setattr(github_keys, "signed_by", lambda secret, *_: work.append(secret))

    def hmacs(origin: Origin) -> int:
        work.clear()
        with pytest.raises(UnverifiedError):
            keys.verify(origin, BODY, bytes(32))
        return len(work)

    origins = [HELLO, Origin("github.com", "acme"), Origin("github.com", "other", "lone"), OTHER, Origin("x")]
    assert [hmacs(origin) for origin in origins] == [3] * 5
