"""A file for all sites: TLS only where the environment has a certificate."""

import os

bind = "127.0.0.1:0"
certfile = os.environ.get("SSL_CERT") or None
keyfile = os.environ.get("SSL_KEY") or None
