"""Writes docs/reference/hooks.md from the table: python -m fastfork.config.hookpage [PATH]

Runs in: cli
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .hooks import HOOKS, Hook

__all__ = ["PAGE", "main", "render"]

# In a checkout; an installed package has no docs beside it and needs a PATH.
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "hooks.md"

_PREFACE: Final = """\
<!-- Made by `python -m fastfork.config.hookpage`.  Edit fastfork/config/hooks.py instead. -->

# Server hooks

A hook is a function in the config file that the server calls at a certain moment. Names,
arguments and moments are gunicorn's; where it differs, the hook says so.

```python
# fastfork.conf.py
def worker_ready(server, worker):
    server.log.info("worker %d answers (pid %d)", worker.nr, worker.pid)
```

or the dotted name of one, in a config file or in a variable:

```python
# hooks.py
def child_exit(server, worker):
    server.log.info("worker %d has ended", worker.nr)
```

```python
# fastfork.conf.py
child_exit = "hooks.child_exit"
```

Hooks are given in a config file only. Whether one can be called with its arguments is checked
when the settings are read. An exception is logged with the name of the hook and its traceback;
what else it does is said below. It never ends the arbiter. A hook that waits holds up the
process that it runs in: in the arbiter the signals and the replacement of workers, in a worker
its requests.

A reload (SIGHUP) reads the hooks again. Those of a worker are the ones it was started with.
"""

_OBJECTS: Final = """\
## What they are given

`server`, in the arbiter and (as a copy made by the fork) in a worker:

| attribute | what it is |
|---|---|
| `log` | the logger of the error log |
| `cfg` | the settings, each an attribute |
| `pid` | the arbiter's pid, in a worker too |
| `address` | list of `(host, port)`, or the path of a unix socket |
| `LISTENERS` | the listening sockets |
| `num_workers` | workers wanted |
| `WORKERS` | dict of pid to `worker`, of those not yet reaped; changing it changes nothing |
| `worker_age` | workers forked so far |
| `timeout`, `proc_name` | as in the settings |

`worker`:

| attribute | what it is |
|---|---|
| `pid` | its pid; None in `pre_fork` |
| `nr` | its number from 0, which a replacement takes over. In gunicorn the number of requests |
| `age` | which fork of this arbiter it is, from 1 |
| `ppid` | the arbiter's pid |
| `cfg`, `log`, `timeout` | as of `server` |
| `booted` | whether it has loaded the application |
| `alive` | False when it has ended, and in itself when it must leave at once |
| `wsgi` | the application; only in the worker |

Attributes of your own can be set on both. What `pre_fork` sets on `worker` is in
`server.WORKERS` and in `child_exit` in the arbiter, and on the `worker` of the later hooks in the
worker. gunicorn's `worker.tmp`, `worker.app`, `worker.notify()` and `server.kill_worker()` are not
there.

`req`: `method`, `uri` (the target), `path` (with its escapes), `query`, `fragment`, `version`
(`(1, 1)`), `scheme`, `headers` (list of name and value, names in upper case), `remote_addr`,
`environ`. `pre_request` and `post_request` are given the same object, and what one sets on it
the other finds. `resp`: `status` (`"200 OK"`), `status_code`, `headers`, `sent` (bytes of the
body), `headers_sent`. Without the two hooks nothing is called for a request and nothing paid.
"""


def render() -> str:
    """The page, ending in a newline."""
    parts = [_PREFACE, _overview()]
    parts += [_entry(name, hook) for name, hook in HOOKS.items()]
    return "\n".join([*parts, _OBJECTS])


def _overview() -> str:
    lines = ["| hook | runs in |", "|---|---|"]
    lines += [f"| [{name}](#{name}) | {hook.process} |" for name, hook in HOOKS.items()]
    return "\n".join(lines) + "\n"


def _entry(name: str, hook: Hook) -> str:
    lines = [f"## {name}", "", f"`{name}({', '.join(hook.arguments)})`", "", hook.when]
    if hook.more:
        lines += ["", hook.more]
    lines += ["", f"- Runs in: {hook.process}", f"- When it raises: {hook.raising}"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the page to the path given, else into the checkout.  Returns the exit code."""
    page = Path(arguments[0]) if arguments else PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
