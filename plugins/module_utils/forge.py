# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forge's API: who we are there, one request, and what its refusals mean. Used by the module webhook.

PyGithub brings logins, Apps and TLS. Waiting for rate limits is ours (`patiently`), since repeating a whole
read-compare-write is safe, and repeating a single POST is not.
"""

from __future__ import annotations

import re
import time
import traceback
from pathlib import Path

from ansible.module_utils.basic import env_fallback
from ansible_collections.kabanero.events.plugins.module_utils.connection import is_pem
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError

GITHUB_IMPORT_ERROR = None
try:
    import github
    import requests
except ImportError:
    GITHUB_IMPORT_ERROR = traceback.format_exc()

PUBLIC = "https://api.github.com"
SECONDARY_PAUSE = 60.0  # seconds; GitHub asks for at least that much where it names no time
PAUSES = (1.0, 2.0, 4.0)  # seconds between tries while the forge is away
FORGE_OPTIONS = {
    "forge": {"type": "str", "choices": ["github", "gitea"], "default": "github"},
    "api_url": {"type": "str", "fallback": (env_fallback, ["GITHUB_API_URL"])},
    "token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["GITHUB_TOKEN", "GH_TOKEN"])},
    "app_id": {"type": "str"},
    "app_private_key": {"type": "str", "no_log": True},
    "app_installation_id": {"type": "int"},
    "ca_cert": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}


class ForgeError(KabaneroError):
    """The forge refused, or did not answer. `again_after`: seconds after which it may be asked again, or None."""

    def __init__(self, message, status=None, again_after=None, errors=()):
        super().__init__(message, **({"status": status} if status else {}))
        self.status, self.again_after, self.errors = status, again_after, list(errors)


class Forge:
    """One forge as one user, or as one App's installation for `owner` (and `repository`, where it is named)."""

    def __init__(self, params, owner, repository=""):
        self.kind = params["forge"]
        self.url = _api_url(params)
        self._verify = (params["ca_cert"] or True) if params["validate_certs"] else False
        self._options = {"base_url": self.url, "verify": self._verify, "retry": None, "seconds_between_requests": None}
        self._requester = None
        self._login = lambda: self._auth(params, owner, repository)

    def ask(self, method, path, body=None, query=None):
        """Headers and decoded answer. Raises ForgeError."""
        try:
            if self._requester is None:
                self._requester = github.Github(auth=self._login(), **self._options).requester
            return self._requester.requestJsonAndCheck(method, path, parameters=query, input=body)
        except github.GithubException as error:
            raise _refusal(self.url, method, path, error)
        except (requests.RequestException, ConnectionError) as error:
            raise ForgeError(f"no answer from {self.url}: {error}", again_after=0.0)
        except (AssertionError, ValueError) as error:
            raise ForgeError(f"{self.url} can't be used with this login: {error}")

    def every(self, path):
        """All items of a list, page after page."""
        page, items = 1, []
        while True:
            headers, found = self.ask("GET", path, query={"per_page": "100", "page": str(page)})
            if not isinstance(found, list):
                raise ForgeError(f"{self.url}{path} is no API of a forge; {_WHERE}")
            items += found
            if 'rel="next"' not in (headers.get("link") or ""):
                return items
            page += 1

    def _auth(self, params, owner, repository):
        if params["token"]:
            return github.Auth.Token(params["token"])
        app = github.Auth.AppAuth(params["app_id"], _key(params["app_private_key"]))
        installation = params["app_installation_id"] or self._installation(app, owner, repository)
        return github.Auth.AppInstallationAuth(app, installation)

    def _installation(self, app, owner, repository):
        """Which installation of the App is for this owner."""
        requester = github.Github(auth=app, **self._options).requester
        path = f"/repos/{owner}/{repository}/installation" if repository else f"/orgs/{owner}/installation"
        return requester.requestJsonAndCheck("GET", path)[1]["id"]


_WHERE = "GitHub Enterprise has it at https://HOST/api/v3, Gitea at https://HOST/api/v1"


def _api_url(params):
    url = (params["api_url"] or PUBLIC).rstrip("/")
    if params["forge"] == "gitea" and not params["api_url"]:
        raise ForgeError(f"say by api_url where Gitea's API is; {_WHERE}")
    if not re.match(r"https?://[^/]+", url):
        raise ForgeError(f"api_url {url!r} is no URL; {_WHERE}")
    return url


def _key(text):
    """The PEM text of a private key, given itself or by its path."""
    if is_pem(text):
        return text
    try:
        return Path(text).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ForgeError(f"app_private_key is neither PEM text nor a file of it: {error}")


def _refusal(base, method, path, error):
    data = error.data if isinstance(error.data, dict) else {}
    if error.status == 404 and "message" not in data:
        return ForgeError(f"{base}{path} is no API of a forge; {_WHERE}")
    said = data.get("message") or (str(error.data)[:200] if error.data else "") or "without a reason"
    wait = pause_of(error.status, error.headers or {}, said)
    errors = [text for each in data.get("errors") or () if (text := _told(each))]
    text = "; ".join([f"{method} {base}{path} was answered {error.status}: {said}", *errors])
    if hint := _hint(error.status, wait):
        text += f" ({hint})"
    return ForgeError(text, error.status, wait, errors)


def _told(entry):
    """One of GitHub's `errors`, which are texts or objects."""
    if not isinstance(entry, dict):
        return str(entry)
    parts = [str(entry[key]) for key in ("field", "code", "message") if entry.get(key)]
    return ": ".join(part for part in parts if part != "custom")


def pause_of(status, headers, said, now=time.time):
    """Seconds that the forge asks us to wait, 0.0 for "a moment", or None where asking again is of no use."""
    headers = {name.lower(): value for name, value in headers.items()}
    if status in (403, 429):
        if (after := headers.get("retry-after", "")).isdigit():
            return float(after)
        if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
            return max(1.0, int(headers["x-ratelimit-reset"]) - now() + 1)
        return SECONDARY_PAUSE if status == 429 or "rate limit" in said.lower() else None
    return 0.0 if status >= 500 else None


def _hint(status, wait):
    if wait:
        return f"it may be asked again in {wait:.0f} s; wait_timeout says how long to wait at most"
    return {
        401: "the token is not valid there: look at token, or at app_id and app_private_key",
        403: "the login may not do this: it needs admin:repo_hook or admin:org_hook, an App the permission Webhooks",
    }.get(status)


def patiently(act, timeout, clock=time.monotonic, pause=time.sleep):
    """What `act()` returns. It is called again, all of it, as long as the forge asks for patience and time is left."""
    deadline, pauses = clock() + timeout, iter(PAUSES)
    while True:
        try:
            return act()
        except ForgeError as error:
            wait = error.again_after
            if wait == 0.0:
                wait = next(pauses, None)
            if wait is None or clock() + wait > deadline:
                raise
            pause(wait)
