"""A logger class that keeps health checks out of the access log."""

from gunicorn.glogging import Logger

bind = "127.0.0.1:0"
accesslog = "-"


class QuietLogger(Logger):
    def access(self, resp, req, environ, request_time):
        if environ["PATH_INFO"] != "/pid":
            super().access(resp, req, environ, request_time)


logger_class = QuietLogger
