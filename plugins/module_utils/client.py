# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small client of the resource API: JSON over HTTP, and watches. Used by resources and runs.

It stands on urllib3 alone, which comes with the `kubernetes` library; importing that itself would cost every module
call half a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import traceback
from pathlib import Path
from urllib.parse import urlencode

from ansible_collections.kabanero.events.plugins.module_utils.connection import is_pem
from ansible_collections.kabanero.events.plugins.module_utils.errors import UnreachableError, from_status

URLLIB3_IMPORT_ERROR = None
try:
    import urllib3
    from urllib3.exceptions import HTTPError
except ImportError:
    URLLIB3_IMPORT_ERROR = traceback.format_exc()
    HTTPError = OSError

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 60.0  # seconds
TRIES = 3
# Worth another try: what was asked was not done, or can be done twice.
SAFE_TO_REPEAT = ("GET", "PUT", "DELETE")


class Client:
    """Talks to one API server as one user. A context manager: key material that needed files is removed at its end."""

    def __init__(self, connection):
        self.connection = connection
        self.warnings = []
        self.runner = None  # who tells what an API server can't, once it was looked for
        self._cleanup = contextlib.ExitStack()
        self._pool = urllib3.PoolManager(
            retries=urllib3.Retry(
                TRIES,
                read=False,
                redirect=False,
                status_forcelist=(429, 503),
                allowed_methods=SAFE_TO_REPEAT,
                raise_on_status=False,
                backoff_factor=0.2,
            ),
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            **self._tls(),
        )

    def beside(self, connection):
        """A client of another server that ends with this one."""
        return self._cleanup.enter_context(Client(connection))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.clear()
        self._cleanup.close()

    def request(self, method, path, query=None, body=None, content="application/json"):
        """The decoded JSON answer. Raises ApiError for what the server refuses, UnreachableError when it is away."""
        response = self._send(method, path, query, body, content)
        answer = _decoded(response.data)
        if response.status >= 300 or not isinstance(answer, dict):
            raise from_status(response.status, answer)
        self.warnings += _warnings(response.headers)
        return answer

    def watch(self, path, query, timeout):
        """Yields watch events until the server ends the watch, at the latest after `timeout` seconds."""
        query = dict(query, watch="true", timeoutSeconds=str(max(1, int(timeout))))
        response = self._send("GET", path, query, preload_content=False, timeout=timeout + CONNECT_TIMEOUT)
        try:
            if response.status >= 300:
                raise from_status(response.status, _decoded(response.read()))
            for line in _lines(response):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    raise from_status(event["object"].get("code", 500), event["object"])
                yield event
        except HTTPError:
            return  # cut off: the caller looks again
        finally:
            response.close()

    def _send(self, method, path, query, body=None, content="application/json", **options):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": "kabanero.events"}
        if self.connection.api_key:
            headers["Authorization"] = f"Bearer {self.connection.api_key}"
        if self.connection.runner_token:
            headers["X-Kabanero-Token"] = self.connection.runner_token
        url = f"{self.connection.host}{path}"
        if query:
            url += "?" + urlencode(query)
        try:
            return self._pool.request(method, url, body=data, headers=headers, **options)
        except HTTPError as error:
            raise UnreachableError(_unreachable(self.connection, error))

    def _tls(self):
        found, options = self.connection, {}
        if not found.host.startswith("https"):
            return options
        options["cert_reqs"] = "CERT_REQUIRED" if found.verify else "CERT_NONE"
        if not found.verify:
            urllib3.disable_warnings()
        if found.ca:
            options["ca_certs"] = self._path(found.ca)
        if found.cert:
            options["cert_file"] = self._path(found.cert)
        if found.key:
            options["key_file"] = self._path(found.key)
        if found.server_name:
            options["server_hostname"] = found.server_name
        return options

    def _path(self, pem):
        """The path of PEM text: TLS takes certificates from files only. Nobody else can read it."""
        if not is_pem(pem):
            return str(Path(pem).expanduser())
        handle, path = tempfile.mkstemp(prefix="kabanero-")
        self._cleanup.callback(Path(path).unlink, missing_ok=True)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(pem)
        return path


def _decoded(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def _lines(response):
    rest = b""
    for part in response.stream(65536):
        *lines, rest = (rest + part).split(b"\n")
        yield from filter(None, lines)


def _warnings(headers):
    """The texts of `Warning: 299 - "text"` headers."""
    return [value.split('"')[1] for value in headers.getlist("Warning") if value.count('"') > 1]


def _unreachable(connection, error):
    cause = getattr(error, "reason", None) or error
    return f"no answer from {connection.host}, found by {connection.origin}: {cause}. Is kabanero serve running there?"
