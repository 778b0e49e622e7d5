"""TLS in the server itself."""

import os
import ssl

bind = "127.0.0.1:0"
certfile = os.environ["SSL_CERT"]
keyfile = os.environ["SSL_KEY"]
ssl_version = ssl.PROTOCOL_TLS_SERVER
ciphers = "ECDHE+AESGCM"
do_handshake_on_connect = True


def ssl_context(conf, default_ssl_context_factory):
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
