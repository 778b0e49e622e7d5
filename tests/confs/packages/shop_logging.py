"""A module of the project, which imports gunicorn."""

from gunicorn.glogging import Logger


class QuietLogger(Logger):
    def access(self, resp, req, environ, request_time):
        if environ["PATH_INFO"] != "/pid":
            super().access(resp, req, environ, request_time)
