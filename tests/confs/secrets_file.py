"""Variables for the application from a file beside this one, as KEY=VALUE lines."""

from pathlib import Path

bind = "127.0.0.1:0"
raw_env = [
    line.strip()
    for line in Path(__file__).with_name("site.env").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]


def post_worker_init(worker):
    import os

    worker.log.info("token is %s", os.environ["SHOP_TOKEN"])
