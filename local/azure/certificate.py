"""The vault's certificate, made on this machine, and a list of all that a client may trust."""

import ssl
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local import json_file

TRUSTED = "trusted.pem"

_LIFE = timedelta(days=90)
_RENEWED_BEFORE_END = timedelta(days=1)


class Certificate:
    """A certificate and its key in the state directory, renewed when its end is near."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Take up the kept certificate, or make one."""
        self._certificate = folder / "vault-certificate.pem"
        self._key = folder / "vault-key.pem"
        self._trusted = folder / TRUSTED
        if not self._is_good(now):
            self._make(now)
        self._write_trusted()

    def server_context(self) -> ssl.SSLContext:
        """Return what a server needs to be this certificate's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        return context

    def _is_good(self, now: datetime) -> bool:
        try:
            kept = x509.load_pem_x509_certificate(self._certificate.read_bytes())
            self.server_context()
        except (OSError, ValueError):
            return False
        return now + _RENEWED_BEFORE_END < kept.not_valid_after_utc

    def _make(self, now: datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        json_file.write_bytes(self._key, private)
        json_file.write_bytes(self._certificate, _signed(key, now).public_bytes(pem))

    def _write_trusted(self) -> None:
        # SSL_CERT_FILE replaces the machine's own list, so that list, or the caller's, comes along.
        paths = ssl.get_default_verify_paths()
        candidates = (paths.cafile, paths.openssl_cafile)
        usual = [Path(each) for each in candidates if each and Path(each).is_file()]
        theirs = next((path.read_bytes() for path in usual if path != self._trusted), b"")
        json_file.write_bytes(self._trusted, theirs + b"\n" + self._certificate.read_bytes())


def trust_in_this_process(trusted: Path) -> None:
    """Make clients in this process trust the list, as SSL_CERT_FILE does for a new process."""
    # aiohttp reads SSL_CERT_FILE once, when it is imported; a stack in-process comes too late.
    connector._SSL_CONTEXT_VERIFIED.load_verify_locations(trusted)  # noqa: SLF001 - the only way


def _signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local Key Vault simulator")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())
