"""Django: connections to databases that the preloaded application opened are closed."""

import django
from django.conf import settings

bind = "127.0.0.1:0"
preload_app = True

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
)
django.setup()


def post_fork(server, worker):
    from django.db import connections

    for connection in connections.all():
        connection.close()
    server.log.info("closed %s connection(s)", len(connections.all()))
