"""Checks between settings, and of settings against this machine and this version.

Each check is a function that yields problems; CHECKS is the list of them.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import importlib.util
import os
import resource
from collections.abc import Callable, Iterator
from typing import Final

from fastfork import accounts, port, unpatched

from ..kinds.workerclass import GEVENT
from ..settings import Config
from ..values import Problem
from .http2 import check_http2
from .logs import check_logs, check_metrics
from .static import check_static
from .tls import check_tls

__all__ = ["CHECKS", "Problem"]


def _threads(cfg: Config) -> Iterator[Problem]:
    if cfg.threads > 1 and not unpatched.has_waitable_poller():
        yield Problem(
            "threads",
            f"{cfg.threads} need epoll(7) or kqueue(2), and this system has neither; use "
            f"workers={cfg.threads}",
        )


def _system(cfg: Config) -> Iterator[Problem]:
    if port.IS_LINUX:
        return
    for where in cfg.bind:
        if where.startswith("unix:@"):
            yield Problem("bind", f"{where!r} is a name that only Linux has; use unix:PATH")
    if cfg.max_rss:
        yield Problem("max_rss", "has no effect on this system: no /proc tells sizes", fatal=False)
    if cfg.reuse_port:
        yield Problem(
            "reuse_port",
            "may give all connections to one worker on this system; leave it out",
            fatal=False,
        )


def _worker_class(cfg: Config) -> Iterator[Problem]:
    if cfg.worker_class not in ("sync", "gthread", "asgi", *GEVENT):
        yield Problem(
            "worker_class",
            f"{cfg.worker_class!r} is no kind of worker; use sync, gthread, gevent or asgi",
        )


def _asgi(cfg: Config) -> Iterator[Problem]:
    if cfg.worker_class != "asgi":
        return
    if not unpatched.has_waitable_poller():
        yield Problem(
            "worker_class",
            "'asgi' needs epoll(7) or kqueue(2), and this system has neither; use uvicorn",
        )
    if cfg.asgi_loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        yield Problem(
            "asgi_loop", "'uvloop' is not installed; pip install uvloop, or write asyncio"
        )
    if cfg.root_path and not cfg.root_path.startswith("/"):
        yield Problem(
            "root_path",
            f"{cfg.root_path!r} does not begin with a slash; write {'/' + cfg.root_path!r}",
        )
    if cfg.threads > 1:
        yield Problem(
            "threads",
            f"{cfg.threads} has no effect with worker_class=asgi: each request has a task, and "
            "worker_connections says how many there can be",
            fatal=False,
            harmless=True,
        )
    if cfg.queue_timeout > 0:
        yield Problem(
            "queue_timeout",
            "has no effect with worker_class=asgi: no request waits for a thread",
            fatal=False,
        )


def _gevent(cfg: Config) -> Iterator[Problem]:
    if cfg.worker_class not in GEVENT:
        return
    if importlib.util.find_spec("gevent") is None:
        yield Problem(
            "worker_class",
            f"{cfg.worker_class!r} needs gevent; pip install 'fastfork[gevent]', or use gthread",
        )
    elif not unpatched.has_waitable_poller():
        yield Problem(
            "worker_class",
            f"{cfg.worker_class!r} needs epoll(7) or kqueue(2), and this system has neither; "
            "use sync",
        )
    if cfg.worker_class != "gevent":
        yield Problem(
            "worker_class",
            f"{cfg.worker_class!r} is the same worker as 'gevent' here; write gevent",
            fatal=False,
            harmless=True,
        )
    if cfg.threads > 1:
        yield Problem(
            "threads",
            f"{cfg.threads} has no effect with worker_class={cfg.worker_class}: each request has "
            "a greenlet, and worker_connections says how many there can be",
            fatal=False,
            harmless=True,
        )
    if cfg.queue_timeout > 0:
        yield Problem(
            "queue_timeout",
            f"has no effect with worker_class={cfg.worker_class}: no request waits for a thread",
            fatal=False,
        )
    if cfg.refork:
        yield Problem(
            "refork",
            f"needs another worker_class than {cfg.worker_class}: greenlets of the worker that "
            "becomes the template would go on in it",
        )


def _worker_connections(cfg: Config) -> Iterator[Problem]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and cfg.worker_connections >= hard:
        yield Problem(
            "worker_connections",
            f"{cfg.worker_connections} cannot be reached: a process may have {hard} descriptors "
            "(ulimit -Hn); raise that, or leave the setting out",
            fatal=False,
        )


def _http_parser(cfg: Config) -> Iterator[Problem]:
    if cfg.http_parser == "httptools" and importlib.util.find_spec("httptools") is None:
        yield Problem(
            "http_parser", "'httptools' is not installed; pip install httptools, or use native"
        )


def _chdir(cfg: Config) -> Iterator[Problem]:
    if not os.path.isdir(cfg.chdir):
        yield Problem("chdir", f"{cfg.chdir!r} is not a directory; write one that exists")


def _tmp_upload_dir(cfg: Config) -> Iterator[Problem]:
    if cfg.tmp_upload_dir is None:
        return
    folder = os.path.join(cfg.chdir, cfg.tmp_upload_dir)
    if not os.path.isdir(folder):
        yield Problem(
            "tmp_upload_dir", f"{cfg.tmp_upload_dir!r} is not a directory; write one that exists"
        )
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Problem(
            "tmp_upload_dir",
            f"{cfg.tmp_upload_dir!r} cannot be written to; choose another directory, or change "
            "its permissions",
        )


def _raw_env(cfg: Config) -> Iterator[Problem]:
    script = cfg.env.get("SCRIPT_NAME", "")
    if script and not script.startswith("/"):
        yield Problem(
            "raw_env",
            f"SCRIPT_NAME={script} does not begin with a slash; write SCRIPT_NAME=/{script}",
        )


def _pythonpath(cfg: Config) -> Iterator[Problem]:
    for folder in filter(None, (cfg.pythonpath or "").split(",")):
        if not os.path.exists(os.path.join(cfg.chdir, folder.strip())):
            yield Problem("pythonpath", f"{folder.strip()!r} does not exist", fatal=False)


def _jitter(cfg: Config) -> Iterator[Problem]:
    if cfg.max_requests_jitter and not cfg.max_requests:
        yield Problem("max_requests_jitter", "has no effect without max_requests", fatal=False)


def _reload(cfg: Config) -> Iterator[Problem]:
    if cfg.reload and cfg.preload_app:
        yield Problem("reload", "and preload_app exclude each other; leave one of them out")
    if cfg.reload_engine == "inotify" and importlib.util.find_spec("watchfiles") is None:
        yield Problem(
            "reload_engine",
            "'inotify' needs watchfiles; pip install fastfork[reload], or use poll",
        )


def _tmp_dir(cfg: Config) -> Iterator[Problem]:
    if cfg.worker_tmp_dir is not None:
        yield Problem(
            "worker_tmp_dir",
            "is not needed: the heartbeat is in shared memory",
            fatal=False,
            harmless=True,
        )


def _user(cfg: Config) -> Iterator[Problem]:
    if os.geteuid() == 0:
        return
    if cfg.user is not None and accounts.user(cfg.user).uid != os.geteuid():
        yield Problem("user", f"only root can become {cfg.user!r}; start as root or leave it out")
    if cfg.group is not None and accounts.group(cfg.group) != os.getegid():
        yield Problem("group", f"only root can become {cfg.group!r}; start as root or leave it out")


def _initgroups(cfg: Config) -> Iterator[Problem]:
    if cfg.initgroups and cfg.user is None:
        yield Problem("initgroups", "has no effect without user", fatal=False)


def _head(cfg: Config) -> Iterator[Problem]:
    for name in ("limit_request_line", "limit_request_field_size"):
        size: int = getattr(cfg, name)
        if 0 < cfg.limit_request_head < size:
            yield Problem(
                name,
                f"{size} cannot be reached: limit_request_head is {cfg.limit_request_head}",
                fatal=False,
            )


def _refork(cfg: Config) -> Iterator[Problem]:
    if cfg.refork and not cfg.preload_app:
        yield Problem("refork", "needs a template to replace; set preload_app too")
    if cfg.refork and cfg.threads > 1:
        yield Problem("refork", "needs threads=1: a fork copies only one thread")


CHECKS: Final[tuple[Callable[[Config], Iterator[Problem]], ...]] = (
    _system,
    _threads,
    _worker_class,
    _gevent,
    _asgi,
    _worker_connections,
    _http_parser,
    _chdir,
    _tmp_upload_dir,
    _raw_env,
    _pythonpath,
    _jitter,
    _refork,
    _reload,
    _tmp_dir,
    _user,
    _initgroups,
    _head,
    check_static,
    check_tls,
    check_http2,
    check_logs,
    check_metrics,
)
