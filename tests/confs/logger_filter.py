"""A logger class that adds a filter in setup()."""

import logging

from gunicorn import glogging

bind = "127.0.0.1:0"
accesslog = "-"


class HealthCheckFilter(logging.Filter):
    def filter(self, record):
        return "GET /pid" not in record.getMessage()


class CustomGunicornLogger(glogging.Logger):
    def setup(self, cfg):
        super().setup(cfg)
        logging.getLogger("gunicorn.access").addFilter(HealthCheckFilter())


logger_class = CustomGunicornLogger
