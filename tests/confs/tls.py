"""TLS in the server itself."""

import ssl

bind = "127.0.0.1:0"
certfile = "/etc/ssl/certs/shop.pem"
keyfile = "/etc/ssl/private/shop.key"
ssl_version = ssl.PROTOCOL_TLS_SERVER
ciphers = "ECDHE+AESGCM"
do_handshake_on_connect = True


def ssl_context(conf, default_ssl_context_factory):
    context = default_ssl_context_factory()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
