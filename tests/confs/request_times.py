"""Times requests with the two request hooks."""

import time

bind = "127.0.0.1:0"


def pre_request(worker, req):
    req.began = time.monotonic()
    worker.log.debug("%s %s", req.method, req.path)


def post_request(worker, req, environ, resp):
    took = time.monotonic() - req.began
    worker.log.info(
        "timed %s %s %s %s", req.method, req.path, resp.status.split()[0], 0 <= took < 60
    )
