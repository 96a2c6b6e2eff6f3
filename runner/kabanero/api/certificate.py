"""The runner's own certificate, for local clients: kubectl sends its token over TLS only.

It is self-signed and lies in the data folder; the kubeconfig there carries it, so that nobody has to trust anything
else. Made in a child process (`python -m kabanero.api.certificate`), since the library for it takes 10 MB of memory
that would be needed once in four years.
"""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kabanero.model.errors import PermanentError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.x509 import Certificate, CertificateBuilder, GeneralName

LIFE_DAYS = 5 * 365
RENEW_AFTER_DAYS = 4 * 365
_DAY = 86400
_FOR = "# for "
_ALWAYS = ("localhost", "127.0.0.1", "::1")
_ANYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """A certificate and its key, both PEM files."""

    certificate: Path
    private_key: Path


def own_certificate(data_dir: Path, host: str) -> CertificateFiles:
    """The runner's certificate for this host name or address, made or renewed where that is needed.

    Raises PermanentError when it can't be made.
    """
    files = CertificateFiles(data_dir / "tls.crt", data_dir / "tls.key")
    names = _names(host)
    if not _is_good(files, names):
        command = [sys.executable, "-m", __name__, str(data_dir), *names]
        made = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if made.returncode:
            raise PermanentError(f"the runner's own certificate can't be made in {data_dir}: {made.stderr.strip()}")
    return files


@dataclass(frozen=True, slots=True)
class Trust:
    """What a local client needs to believe a given certificate: a CA file, and the name that the certificate is for.

    `authority` None: the machine's own trust store; `server_name` empty: the host in the URL.
    """

    authority: Path | None = None
    server_name: str = ""


def trust_of(certificate: Path, host: str) -> Trust:
    """How local clients, which call the server `host`, believe a certificate that somebody gave it."""
    from cryptography import x509

    chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    names = [str(name.value) for name in _alternative_names(chain[0])]
    dns = [name for name in names if not name.startswith("*") and not _is_address(name)]
    rooted = chain[-1].issuer == chain[-1].subject
    return Trust(certificate if rooted else None, "" if host in names or not dns else dns[0])


def _alternative_names(certificate: Certificate) -> Iterable[GeneralName]:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _names(host: str) -> list[str]:
    extra = [socket.gethostname(), *([host] if host not in _ANYWHERE else [])]
    return list(dict.fromkeys([*_ALWAYS, *(name for name in extra if name)]))


def _is_good(files: CertificateFiles, names: list[str]) -> bool:
    """Whether the certificate is there, young enough, and for all these names (its first line lists them)."""
    try:
        with files.certificate.open(encoding="utf-8") as file:
            stated = file.readline().removeprefix(_FOR).split()
        age = time.time() - files.certificate.stat().st_mtime
    except OSError:
        return False
    return files.private_key.exists() and set(names) <= set(stated) and age < RENEW_AFTER_DAYS * _DAY


def make(data_dir: Path, names: list[str]) -> None:
    """Writes a new certificate and key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from kabanero.api.kubeconfig import write_private

    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _unsigned(names, key.public_key()).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = certificate.public_bytes(Encoding.PEM).decode()
    write_private(data_dir / "tls.key", private)
    write_private(data_dir / "tls.crt", f"{_FOR}{' '.join(names)}\n{public}")


def _unsigned(names: list[str], key: EllipticCurvePublicKey) -> CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kabanero")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=LIFE_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )


def _general_name(name: str) -> GeneralName:
    from cryptography import x509

    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
