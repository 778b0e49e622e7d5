"""Certificates, the contexts that are made of them, and what a context has found out of a peer.

Contexts are those of the interpreter's `ssl` module.  The arbiter makes the first one of an
revision, as root where it is: so a mistake is told before any worker is forked, a private key need
not be readable for the user that workers become, and all workers begin with the same keys for
session tickets, which OpenSSL draws with the context: a client goes on with its session in
whichever worker it meets.

Runs in: both
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, Final, NoReturn

from fastfork.errors import ConfigError
from fastfork.records import field, record

__all__ = ["Certificates", "peer_facts"]

# What http_protocols calls a protocol -> its name in a handshake (RFC 7301).
ALPN: Final = {"h1": "http/1.1", "h2": "h2"}
# RFC 4514 section 3, and what is common beside it.
SHORT_NAMES: Final = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
# Size, inode, times: what shows that a file has changed, also behind a symbolic link.
Look = tuple[tuple[int, int, int, int] | None, ...]


@record(eq=False)
class Certificates:
    """Where certificate and key are, and what is asked of clients.

    certfile, keyfile, ca_certs: absolute paths; without a keyfile the key is in the certfile.
    verify: 0, 1 or 2, as in `ssl.VerifyMode`.  minimum: name of an `ssl.TLSVersion`.
    protocols: keys of `ALPN`, the preferred one first.
    """

    certfile: Path
    keyfile: Path | None
    ca_certs: Path | None
    verify: int
    ciphers: str | None
    minimum: str
    protocols: tuple[str, ...] = ("h1",)
    _prepared: ssl.SSLContext | None = None
    _used_by: int = 0  # the process that has taken it
    _loaded: Look = ()
    _seen: Look = field(default=())

    def prepare(self) -> None:
        """Make the context that `context` gives to each process.  Raises ConfigError."""
        self._loaded = self._seen = self._look()
        self._prepared, self._used_by = self._make(), 0

    def context(self) -> ssl.SSLContext:
        """Return the prepared one, a new one when this process has taken that.  Raises
        ConfigError."""
        if self._prepared is None or self._used_by == os.getpid():
            return self._make()
        self._used_by = os.getpid()
        return self._prepared

    def offer(self, context: ssl.SSLContext) -> None:
        """Have the context agree on one of our protocols."""
        context.set_alpn_protocols([ALPN[name] for name in self.protocols])

    def has_changed(self) -> bool:
        """Return whether the files are others than those that were prepared or tried last.

        Certificate and key are seldom replaced in one moment: only what looks the same as at the
        last call counts.
        """
        last, self._seen = self._seen, self._look()
        return self._seen == last and self._seen != self._loaded

    def _look(self) -> Look:
        return tuple(_look_at(path) for path in (self.certfile, self.keyfile, self.ca_certs))

    def _make(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion[self.minimum]
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        self.offer(context)
        if self.ciphers is not None:
            try:
                context.set_ciphers(self.ciphers)
            except ssl.SSLError:
                raise ConfigError(
                    f"ciphers: {self.ciphers!r} names no cipher that OpenSSL has; write a list as "
                    "openssl-ciphers(1) describes it, such as ECDHE+AESGCM"
                ) from None
        self._load_pair(context)
        self._load_ca(context)
        context.verify_mode = ssl.VerifyMode(self.verify)
        return context

    def _load_pair(self, context: ssl.SSLContext) -> None:
        certificate = _text_of("certfile", self.certfile)
        self.certificate = _first_of(certificate)
        name, path = ("keyfile", self.keyfile) if self.keyfile else ("certfile", self.certfile)
        key = _text_of(name, path) if self.keyfile else certificate
        if b"-----BEGIN CERTIFICATE-----" not in certificate:
            raise _bad("certfile", self.certfile, "has no certificate in PEM form")
        if b"PRIVATE KEY-----" not in key:
            advice = "" if self.keyfile else "name the file that has it as keyfile"
            raise _bad(name, path, "has no private key in PEM form", advice)
        try:
            context.load_cert_chain(self.certfile, self.keyfile, password=_no_password)
        except _Encrypted:
            raise _bad(
                name, path, "is encrypted",
                "decrypt it with `openssl pkey`, or load it in the hook ssl_context",
            ) from None  # fmt: skip
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise _bad(
                    name, path, f"has the key of another certificate than {str(self.certfile)!r}"
                ) from None
            raise _bad("certfile", self.certfile, f"cannot be used: {_reason(error)}") from None

    def _load_ca(self, context: ssl.SSLContext) -> None:
        if self.ca_certs is None:
            return
        _text_of("ca_certs", self.ca_certs)
        try:
            context.load_verify_locations(self.ca_certs)
        except ssl.SSLError as error:
            raise _bad("ca_certs", self.ca_certs, f"cannot be used: {_reason(error)}") from None


def _first_of(text: bytes) -> str:
    """Return the first certificate in a file of them, as PEM."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    inner = text.decode("ascii", "replace").partition(begin)[2].partition(end)[0]
    return f"{begin}{inner}{end}\n"


class _Encrypted(Exception):
    """OpenSSL asks for a password."""


def _no_password() -> NoReturn:
    """Without this OpenSSL would ask at the terminal, and wait for ever where there is none."""
    raise _Encrypted


def _reason(error: ssl.SSLError) -> str:
    return error.reason or str(error)


def _bad(name: str, path: Path, problem: str, advice: str = "") -> ConfigError:
    return ConfigError(
        f"{name}: {str(path)!r} {problem}; {advice or 'write the path of the right file'}"
    )


def _text_of(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        advice = "let this user read it" if isinstance(error, PermissionError) else ""
        raise _bad(name, path, f"cannot be read: {error.strerror}", advice) from None


def _look_at(path: Path | None) -> tuple[int, int, int, int] | None:
    try:
        facts = None if path is None else path.stat()
    except OSError:
        return None
    return facts and (facts.st_size, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns)


def peer_facts(tls: ssl.SSLObject) -> dict[str, Any]:
    """Return what the environ says of a connection: the variables of Apache's mod_ssl."""
    name, _protocol, bits = tls.cipher() or ("", "", 0)
    facts = {
        "SSL_PROTOCOL": tls.version() or "",
        "SSL_CIPHER": name,
        "SSL_CIPHER_USEKEYSIZE": str(bits),
        "SSL_SESSION_RESUMED": "Resumed" if tls.session_reused else "Initial",
    }
    if tls.context.verify_mode != ssl.CERT_NONE:
        facts.update(_client_facts(tls))
    return facts


def _client_facts(tls: ssl.SSLObject) -> dict[str, str]:
    encoded = tls.getpeercert(binary_form=True)
    if encoded is None:
        return {"SSL_CLIENT_VERIFY": "NONE"}
    told: dict[str, Any] = tls.getpeercert() or {}
    return {
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_S_DN": _distinguished_name(told.get("subject", ())),
        "SSL_CLIENT_I_DN": _distinguished_name(told.get("issuer", ())),
        "SSL_CLIENT_M_SERIAL": told.get("serialNumber", ""),
        "SSL_CLIENT_V_START": told.get("notBefore", ""),
        "SSL_CLIENT_V_END": told.get("notAfter", ""),
        "SSL_CLIENT_CERT": ssl.DER_cert_to_PEM_cert(encoded),
    }


def _distinguished_name(parts: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """Write it as RFC 4514 does: the last part first.  In latin-1 characters, as all text of an
    environ."""
    text = ",".join(
        "+".join(f"{SHORT_NAMES.get(name, name)}={_escaped(value)}" for name, value in part)
        for part in reversed(parts)
    )
    return text.encode("utf-8").decode("latin-1")


def _escaped(value: str) -> str:
    """RFC 4514 section 2.4."""
    text = "".join(
        f"\\{one}" if one in ',+"\\<>;' else one if one != "\0" else "\\00" for one in value
    )
    if text[:1] in ("#", " "):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(value) > 1 else text
