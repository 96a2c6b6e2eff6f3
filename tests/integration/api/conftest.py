"""The embedded API on a real store and socket, and real clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from kabanero.api.certificate import CertificateFiles, own_certificate

from tests.support.api_server import ApiServer, serve_api
from tests.support.kubectl import kubectl

Kubectl = Callable[..., Awaitable[str]]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return own_certificate(tmp_path_factory.mktemp("certificate"), "127.0.0.1")


@pytest.fixture
async def api(tmp_path: Path, certificate: CertificateFiles) -> AsyncIterator[ApiServer]:
    async with serve_api(tmp_path, certificate) as server:
        yield server


@pytest.fixture
def run_kubectl(api: ApiServer) -> Kubectl:
    """Runs kubectl and gives what it printed; it must succeed, or fail and print the text in `fails`."""
    program = kubectl()

    async def run(*arguments: str, stdin: str = "", fails: str = "") -> str:
        code, out, err = await api.run(program, *arguments, stdin=stdin)
        assert (code != 0) == bool(fails), f"kubectl {' '.join(arguments)}: {code}\n{out}\n{err}"
        assert fails in err, f"{fails!r} is not in:\n{err}"
        return out + err

    return run
