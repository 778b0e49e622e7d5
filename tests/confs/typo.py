"""A slip in a setting and one in a hook, beside names of the file's own."""

bind = "127.0.0.1:0"
wokers = 3
TIMEOUTS = {"short": 5}
timeout = TIMEOUTS["short"]


def post_frok(server, worker):
    pass
