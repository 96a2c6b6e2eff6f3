"""Certificates of one test bed: its API server proves itself with them, and users that are no ServiceAccounts too."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

DAYS = 30


class Authority:
    """A certificate authority that keeps its files in one folder; `certificate` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.certificate = folder, folder / "ca.crt"
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "testbed")])
        if (folder / "ca.key").exists():
            loaded = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
            self._key = cast(ec.EllipticCurvePrivateKey, loaded)
        else:
            self._key = self._new_key("ca")
            whole = (x509.BasicConstraints(ca=True, path_length=None), _signs_certificates())
            self.certificate.write_bytes(self._sign(self._name, self._key, *whole))

    def issue(self, name: str, *, groups: tuple[str, ...] = (), hosts: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """A certificate and its key, for a user in groups or for a server at hosts (names or addresses)."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        file = name.replace("/", "_").replace(":", "_")
        names = [x509.SubjectAlternativeName([_host(host) for host in hosts])] if hosts else []
        certificate = self.folder / f"{file}.crt"
        certificate.write_bytes(self._sign(subject, self._new_key(file), *names))
        return certificate, self.folder / f"{file}.key"

    def _new_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(self.folder / f"{name}.key", key)
        return key

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        draft = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=DAYS))
        )
        identified = (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        )
        for extension in (*extensions, *identified):
            draft = draft.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return draft.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def token_key(file: Path) -> Path:
    """A key to sign ServiceAccounts' tokens with; made once."""
    if not file.exists():
        _write_key(file, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return file


def _write_key(file: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _signs_certificates() -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
        " encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in ("key_cert_sign", "crl_sign") for name in names.split()})


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
