"""Where a webhook says that it comes from, and which GithubEventSource speaks for that: names and URLs, no I/O.

Names are compared in lower case, as GitHub does. A source's URL and a body's repository meet in `Names`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kabanero.model.errors import InvalidError, Problem
from kabanero.sources.github_refusal import MalformedError

DEFAULT_HOST = "github.com"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}/[A-Za-z0-9._-]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_ENTERPRISES = "enterprises"


class Names(NamedTuple):
    """The names that a delivery or a source goes by, narrowest first; empty where it has none."""

    repository: str = ""
    owner: str = ""
    enterprise: str = ""


class Origin(NamedTuple):
    """What a body says that it is about. `owner` and `repository` are empty for events of a whole organisation."""

    host: str
    owner: str = ""
    repository: str = ""
    enterprise: str = ""
    location: str = ""

    @property
    def names(self) -> Names:
        """What its secret is looked up by."""
        owner = f"{self.host}/{self.owner}".lower() if self.owner else ""
        repository = f"{owner}/{self.repository.lower()}" if self.repository else ""
        return Names(repository, owner, f"{self.host}/{self.enterprise}".lower() if self.enterprise else "")

    @property
    def path(self) -> str:
        """Its part of a topic path: host, owner, repository."""
        return "/".join([part for part in (self.host, self.owner, self.repository) if part])


def read_origin(body: dict[str, Any], host_header: str = "") -> Origin:
    """Reads what a body is about. Raises MalformedError for names that no forge gives.

    The signature covers the body but no header, so `X-GitHub-Enterprise-Host` counts only where the body has no URL.
    """
    enterprise = _name(part(body, "enterprise").get("slug"), "enterprise.slug")
    repository = body.get("repository")
    if not isinstance(repository, dict):
        return Origin(_host_of(body) or host_header or DEFAULT_HOST, _owner_of(body), enterprise=enterprise)
    full_name = repository.get("full_name")
    if not isinstance(full_name, str) or not _FULL_NAME.fullmatch(full_name):
        raise MalformedError("repository.full_name is not OWNER/NAME", "send the body as GitHub made it")
    owner, _, name = full_name.partition("/")
    url = text(repository.get("html_url"))
    host = _host_in(url, "repository.html_url") if url else _host_of(body) or host_header or DEFAULT_HOST
    return Origin(host, owner, name, enterprise, url or f"https://{host}/{full_name}")


def _owner_of(body: dict[str, Any]) -> str:
    account = part(part(body, "installation"), "account")
    return _name(part(body, "organization").get("login") or account.get("login"), "organization.login")


def _name(value: Any, place: str) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise MalformedError(f"{place} is no name that GitHub gives", "send the body as GitHub made it")
    return value


def _host_of(body: dict[str, Any]) -> str:
    for place in ("enterprise", "sender"):
        url = text(part(body, place).get("html_url"))
        if url:
            return _host_in(url, f"{place}.html_url")
    return ""


def _host_in(url: str, place: str) -> str:
    scheme, found, rest = url.partition("://")
    host = rest.partition("/")[0]
    if not found or not _HOST.fullmatch(host):
        raise MalformedError(f"{place} is not a URL", "send the body as GitHub made it")
    return normal_host(host, scheme)


@lru_cache(maxsize=256)
def normal_host(host: str, scheme: str = "https") -> str:
    """A host as it is compared: lower case, without the scheme's own port; GitHub's `www.` is left out."""
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme.lower(), ":443"))
    return DEFAULT_HOST if host == "www.github.com" else host


def read_source_url(url: str) -> Names:
    """The names that a GithubEventSource speaks for: exactly one, or for `enterprises/ORG` the owner ORG as well.

    Takes `https://HOST/OWNER/REPOSITORY[.git]`, `https://HOST/OWNER` and `https://HOST/enterprises/ORG`.
    Raises InvalidError.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _not_a_source(url, "is not a URL") from error
    names = [name for name in parts.path.split("/") if name]
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        raise _not_a_source(url, "is not a URL with http or https and a host")
    if not 1 <= len(names) <= 2 or not all(_NAME.fullmatch(name) for name in names):
        raise _not_a_source(url, "names neither a repository nor an organisation")
    host = normal_host(parts.netloc, parts.scheme)
    first, last = names[0].lower(), names[-1].lower().removesuffix(".git")
    if len(names) == 1:
        return Names(owner=f"{host}/{first}")
    if first == _ENTERPRISES:
        return Names(owner=f"{host}/{last}", enterprise=f"{host}/{last}")
    return Names(repository=f"{host}/{first}/{last}")


def _not_a_source(url: str, reason: str) -> InvalidError:
    fix = "write https://HOST/OWNER/REPOSITORY, https://HOST/OWNER or https://HOST/enterprises/ORG"
    return InvalidError("GithubEventSource", [Problem("spec.url", f"{url!r} {reason}", fix)])


def part(value: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under a key; empty when there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str:
    """The value when it is text, else empty."""
    return value if isinstance(value, str) else ""
