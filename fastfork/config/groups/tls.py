"""Settings of TLS.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import DURATION, FLAG, FLAG_ON, PATH, TEXT
from ..kinds.spec import setting
from ..kinds.tls import ANYTHING, CERT_REQS, TLS_VERSION

__all__ = ["TlsSettings"]


@record(frozen=True, kw_only=True)
class TlsSettings:
    """TLS."""

    certfile: str | None = setting(
        None,
        PATH,
        "File with the certificate and those between it and the root, in PEM form.",
        flags="--certfile",
        reload="workers",
        more="With it every address of `bind` speaks TLS and nothing else. A client that speaks "
        "HTTP there gets a 400 in the clear. The file is read when the server starts and on "
        "SIGHUP, by the arbiter: as root, where that is what it was started as.",
    )
    keyfile: str | None = setting(
        None,
        PATH,
        "File with the private key, in PEM form and without a password.",
        flags="--keyfile",
        reload="workers",
        more="Without it the key is in `certfile`.",
    )
    ca_certs: str | None = setting(
        None,
        PATH,
        "File with the certificates of those who vouch for clients, in PEM form.",
        flags="--ca-certs",
        reload="workers",
        more="See `cert_reqs`.",
    )
    cert_reqs: int = setting(
        0,
        CERT_REQS,
        "Whether clients need a certificate: none, optional or required (0, 1 or 2).",
        flags="--cert-reqs",
        reload="workers",
        more="One that is shown must be vouched for by `ca_certs`, with `optional` too; else the "
        "handshake fails. SSL_CLIENT_VERIFY in the environ is `SUCCESS`, or `NONE` where there is "
        "none.",
    )
    ciphers: str | None = setting(
        None,
        TEXT,
        "Ciphers of TLS 1.2, as a list of OpenSSL's.",
        flags="--ciphers",
        reload="workers",
        more="Without it those that Python takes for a server. The ciphers of TLS 1.3 are all "
        "good and stay.",
    )
    tls_min_version: str = setting(
        "TLSv1.2",
        TLS_VERSION,
        "Oldest version of TLS that is spoken: TLSv1.2 or TLSv1.3.",
        flags="--tls-min-version",
        reload="workers",
    )
    ssl_version: object = setting(
        None,
        ANYTHING,
        "Does nothing, and says so; use tls_min_version.",
        flags="--ssl-version",
        reload="workers",
        more="It named a single version once; gunicorn ignores it too.",
    )
    do_handshake_on_connect: bool = setting(
        False,
        FLAG,
        "The time of a handshake begins with the connection, not with its first byte.",
        flags="--do-handshake-on-connect",
        reload="workers",
        more="A client that says nothing is then closed after `tls_handshake_timeout`, without it "
        "after `header_timeout`. Each costs the memory of a handshake meanwhile. No handshake "
        "holds a thread, either way.",
    )
    tls_handshake_timeout: float = setting(
        10.0,
        DURATION,
        "Time for a handshake, from its first byte.",
        flags="--tls-handshake-timeout",
        reload="workers",
        more="Then the connection is closed.",
    )
    suppress_ragged_eofs: bool = setting(
        True,
        FLAG_ON,
        "Say nothing of clients that end a connection without TLS's own end.",
        flags="--suppress-ragged-eofs",
        reload="workers",
        more="Many do, and nothing can be lost: a request tells its length. Off, each is a line in "
        "the log, once a second at most.",
    )
    tls_reload: bool = setting(
        False,
        FLAG,
        "Take a new certificate as soon as its file has changed.",
        flags="--tls-reload",
        reload="workers",
        more="Each worker looks about once a second, at `keyfile` and `ca_certs` too, and takes "
        "what has been the same for two looks. It must be able to read them as the user that it "
        "runs as. What cannot be used is named in the log, and the old certificate stays. "
        "Connections that are open keep theirs.",
    )
