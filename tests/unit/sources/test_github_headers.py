"""The headers of a delivery."""

from __future__ import annotations

import pytest
from kabanero.sources.github import read_headers
from kabanero.sources.github_refusal import MalformedError, UnsignedError, UnverifiedError
from kabanero.sources.github_signature import sign, signature_header, signed_by

from tests.support.github import SECRET, headers_for, raw


def test_event_delivery_and_signature_are_read() -> None:
    headers = headers_for(b"{}", "pull_request", x_github_delivery="0f5a-1")

    read = read_headers(raw(headers))

    assert (read.event, read.delivery, read.signature) == ("pull_request", "0f5a-1", sign(SECRET, b"{}"))


def test_a_form_is_recognised_by_its_content_type() -> None:
    headers = headers_for(b"", content_type="application/x-www-form-urlencoded; charset=utf-8")

    assert read_headers(raw(headers)).is_form


def test_the_host_of_an_enterprise_server_is_read() -> None:
    assert read_headers(raw(headers_for(b"", x_github_enterprise_host="GHE.example.com"))).host == "ghe.example.com"


def test_a_delivery_without_signature_is_unsigned() -> None:
    headers = headers_for(b"")
    del headers["x-hub-signature-256"]

    with pytest.raises(UnsignedError):
        read_headers(raw(headers))


def test_a_sha1_signature_alone_is_not_enough() -> None:
    headers = headers_for(b"") | {"x-hub-signature": "sha1=" + "0" * 40}
    del headers["x-hub-signature-256"]

    with pytest.raises(UnsignedError):
        read_headers(raw(headers))


@pytest.mark.parametrize(
    "signature",
    ["sha256=", "sha256=" + "0" * 63, "sha256=" + "0" * 65, "sha256=" + "g" * 64, "sha1=" + "0" * 66, "0" * 71],
)
def test_a_signature_of_another_form_is_like_a_wrong_one(signature: str) -> None:
    with pytest.raises(UnverifiedError):
        read_headers(raw(headers_for(b"", x_hub_signature_256=signature)))


@pytest.mark.parametrize("event", ["", "Push", "push\n", "push;", "a" * 65])
def test_an_event_that_is_no_name_is_refused(event: str) -> None:
    with pytest.raises(MalformedError, match="x-github-event"):
        read_headers(raw(headers_for(b"", event)))


@pytest.mark.parametrize("delivery", ["", "a b", "../x", "ä", "a" * 129])
def test_a_delivery_id_that_could_not_be_an_identity_is_refused(delivery: str) -> None:
    with pytest.raises(MalformedError, match="x-github-delivery"):
        read_headers(raw(headers_for(b"", x_github_delivery=delivery)))


def test_an_enterprise_host_that_is_no_host_is_refused() -> None:
    with pytest.raises(MalformedError, match="x-github-enterprise-host"):
        read_headers(raw(headers_for(b"", x_github_enterprise_host="a/b")))


def test_the_signature_is_githubs_own_example() -> None:
    # From GitHub's documentation on validating webhook deliveries.
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert signature_header(b"It's a Secret to Everybody", b"Hello, World!") == expected


def test_a_signature_holds_for_its_secret_and_body_only() -> None:
    signature = sign(b"secret", b"body")

    assert signed_by(b"secret", b"body", signature)
    assert not signed_by(b"secret", b"body ", signature)
    assert not signed_by(b"Secret", b"body", signature)
