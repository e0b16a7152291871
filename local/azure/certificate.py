"""The vault's certificate, made on this machine, and a list of all that a client may trust."""

import ssl
from pathlib import Path

import trustme
from aiohttp import connector

from local import json_file
from local.ports import HOST

TRUSTED = "trusted.pem"


class Certificate:
    """A certificate with its key, by an authority of its own, kept in the state directory."""

    def __init__(self, folder: Path) -> None:
        """Take up the kept certificate, or make one; trustme's are good until 2038."""
        self._authority = folder / "vault-authority.pem"
        self._certificate = folder / "vault.pem"
        self._trusted = folder / TRUSTED
        if not self._is_kept():
            self._make()
        self._write_trusted()

    def server_context(self) -> ssl.SSLContext:
        """Return what a server needs to be this certificate's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        return context

    def _is_kept(self) -> bool:
        try:
            self.server_context()
        except OSError:
            return False
        return self._authority.exists()

    def _make(self) -> None:
        authority = trustme.CA()
        leaf = authority.issue_cert(HOST, "localhost")
        json_file.write_bytes(self._authority, authority.cert_pem.bytes())
        json_file.write_bytes(self._certificate, leaf.private_key_and_cert_chain_pem.bytes())

    def _write_trusted(self) -> None:
        # SSL_CERT_FILE replaces the machine's own list, so that list, or the caller's, comes along.
        paths = ssl.get_default_verify_paths()
        candidates = (paths.cafile, paths.openssl_cafile)
        usual = [Path(each) for each in candidates if each and Path(each).is_file()]
        theirs = next((path.read_bytes() for path in usual if path != self._trusted), b"")
        json_file.write_bytes(self._trusted, theirs + b"\n" + self._authority.read_bytes())


def trust_in_this_process(trusted: Path) -> None:
    """Make clients in this process trust the list, as SSL_CERT_FILE does for a new process."""
    # aiohttp reads SSL_CERT_FILE once, when it is imported; a stack in-process comes too late.
    connector._SSL_CONTEXT_VERIFIED.load_verify_locations(trusted)  # noqa: SLF001 - the only way
