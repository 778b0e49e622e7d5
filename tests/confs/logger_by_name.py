"""A logger class that the project has in a module of its own, named by its text."""

bind = "127.0.0.1:0"
accesslog = "-"
logger_class = "shop_logging.QuietLogger"
