"""Names of repositories and organisations: what a body says, and what a source's URL covers."""

from __future__ import annotations

import pytest
from kabanero.model.errors import InvalidError
from kabanero.sources.github_origin import Names, read_origin, read_source_url
from kabanero.sources.github_refusal import MalformedError

from tests.support.github import payload


def test_a_repository_is_known_by_host_owner_and_name() -> None:
    origin = read_origin(payload("push"))

    assert (origin.host, origin.owner, origin.repository) == ("github.com", "Acme", "hello-world")
    assert origin.location == "https://github.com/Acme/hello-world"


def test_names_are_looked_up_in_lower_case() -> None:
    assert read_origin(payload("push")).names == Names("github.com/acme/hello-world", "github.com/acme")


def test_a_webhook_of_an_organisation_without_repository_has_its_owner() -> None:
    origin = read_origin(payload("ping_organization"))

    assert (origin.path, origin.names) == ("github.com/Acme", Names("", "github.com/acme"))


def test_an_app_installation_has_its_account_as_owner() -> None:
    body = {"installation": {"account": {"login": "Acme"}}, "sender": {"html_url": "https://ghe.example.com/eve"}}

    assert read_origin(body).names == Names("", "ghe.example.com/acme")


def test_an_enterprise_is_known_by_its_slug() -> None:
    body = {"enterprise": {"slug": "Big", "html_url": "https://github.com/enterprises/Big"}}

    assert read_origin(body).names == Names("", "", "github.com/big")


def test_the_signed_url_counts_more_than_the_unsigned_header() -> None:
    assert read_origin(payload("push"), "evil.example.com").host == "github.com"


def test_the_header_counts_where_the_body_has_no_url() -> None:
    assert read_origin({"organization": {"login": "acme"}}, "ghe.example.com").host == "ghe.example.com"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:3300/a/b", "127.0.0.1:3300"),
        ("https://GHE.example.com:443/a/b", "ghe.example.com"),
        ("http://ghe.example.com:80/a/b", "ghe.example.com"),
        ("https://www.github.com/a/b", "github.com"),
        ("https://[::1]:3000/a/b", "[::1]:3000"),
    ],
)
def test_the_host_is_taken_from_the_repositorys_url(url: str, host: str) -> None:
    assert read_origin({"repository": {"full_name": "a/b", "html_url": url}}).host == host


@pytest.mark.parametrize(
    "repository",
    [
        {},
        {"full_name": 5},
        {"full_name": "acme"},
        {"full_name": "acme/../x"},
        {"full_name": "acme/a b"},
        {"full_name": "acme/hello\n"},
        {"full_name": "a/b", "html_url": "no-url"},
        {"full_name": "a/b", "html_url": "https://user@host/a/b"},
    ],
)
def test_names_that_no_forge_gives_are_refused(repository: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"repository\."):
        read_origin({"repository": repository})


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://github.com/Acme/Hello", Names("github.com/acme/hello")),
        ("https://github.com/acme/hello.git", Names("github.com/acme/hello")),
        ("https://www.github.com/acme/hello/", Names("github.com/acme/hello")),
        ("http://127.0.0.1:3300/acme/hello", Names("127.0.0.1:3300/acme/hello")),
        ("https://github.com/acme", Names("", "github.com/acme")),
        ("https://github.com/enterprises/acme", Names("", "github.com/acme", "github.com/acme")),
    ],
)
def test_a_source_covers_what_its_url_names(url: str, names: Names) -> None:
    assert read_source_url(url) == names


@pytest.mark.parametrize(
    "url",
    [
        "",
        "github.com/acme/hello",
        "git@github.com:acme/hello.git",
        "https://github.com",
        "https://github.com/a/b/c",
        "https://github.com/a b",
        "https://user:token@github.com/a/b",
        "https://[bad/a",
    ],
)
def test_a_url_that_covers_nothing_is_refused_with_its_form(url: str) -> None:
    with pytest.raises(InvalidError, match=r"spec\.url.*https://HOST/OWNER"):
        read_source_url(url)
