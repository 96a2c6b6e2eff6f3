"""Webhook and API on addresses of their own, each with TLS: only the webhook need face the internet."""

from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runner import Runner


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, pem = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(pem), "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return pem, key


class SplitRunner(Runner):
    """A runner whose webhook has an address of its own."""

    webhook_port = 0
    trusted: ssl.SSLContext


@pytest.fixture(scope="module")
def split(certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitRunner]:
    """API and webhook on two TLS addresses."""
    pem, key = certificate
    tls = {"certificate": str(pem), "privateKey": str(key)}
    port = free_port()
    config = {"listener": tls, "webhook": {"listener": {"listen": f"127.0.0.1:{port}", **tls}}}
    runner = SplitRunner(tmp_path_factory.mktemp("split"), config=config, scheme="https")
    runner.webhook_port, runner.trusted = port, ssl.create_default_context(cafile=str(pem))
    with runner:
        yield runner


def status(runner: SplitRunner, port: int, path: str, method: str = "GET") -> int:
    """HTTP status, over verified TLS."""
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10, context=runner.trusted) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_webhook_address_serves_the_webhook_and_not_the_api(split: SplitRunner) -> None:
    assert status(split, split.webhook_port, "/webhook", "POST") == 401
    assert status(split, split.webhook_port, "/apis/kabanero.io/v1alpha1") == 404


def test_the_api_address_serves_the_api_and_not_the_webhook(split: SplitRunner) -> None:
    assert status(split, split.port, "/livez") == 200
    assert status(split, split.port, "/apis/kabanero.io/v1alpha1") == 401
    assert status(split, split.port, "/webhook", "POST") in (401, 404)


def test_the_kubeconfig_is_private_and_trusts_the_certificate(split: SplitRunner) -> None:
    kubeconfig = split.data / "kubeconfig"
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    command = [str(Path(split.command[0])), "--data-dir", str(split.data), "get", "runs"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
