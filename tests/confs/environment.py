"""Everything from the environment, as images for containers do it; prints what it found."""

import json
import multiprocessing
import os


def env(name, default=None, kind=str):
    text = os.environ.get(name, "")
    return kind(text) if text else default


_per_core = env("WORKERS_PER_CORE", 1.0, float)
_most = env("MAX_WORKERS", 100, int)
_counted = max(int(_per_core * multiprocessing.cpu_count()), 2)

host = env("HOST", "0.0.0.0")
port = env("PORT", "80")
bind = env("BIND", f"{host}:{port}")
workers = env("WEB_CONCURRENCY", min(_counted, _most), int)
loglevel = env("LOG_LEVEL", "info")
accesslog = env("ACCESS_LOG", "-")
errorlog = env("ERROR_LOG", "-")
timeout = env("TIMEOUT", 120, int)
graceful_timeout = env("GRACEFUL_TIMEOUT", 120, int)
keepalive = env("KEEP_ALIVE", 5, int)
worker_tmp_dir = "/dev/shm"

print(json.dumps({"bind": bind, "workers": workers, "timeout": timeout, "loglevel": loglevel}))
