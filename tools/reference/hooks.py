"""docs/reference/hooks.md, from the table of hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastfork.config.kinds.hooks import HOOKS, Hook

__all__ = ["render"]

_PREFACE: Final = """\
<!-- Made from fastfork/config/kinds/hooks.py by `make docs-reference`. -->

# Server hooks

A hook is a function in the config file that the server calls at a certain moment. Names,
arguments and moments are gunicorn's; where it differs, the hook says so.

```python
# fastfork.conf.py
def worker_ready(server, worker):
    server.log.info("worker %d answers (pid %d)", worker.number, worker.pid)
```

or the dotted name of one, in a config file or in a variable:

```python
# hooks.py
def child_exit(server, worker):
    server.log.info("worker %d has ended", worker.number)
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

# What hooks are given, in prose and tables.
_OBJECTS: Final = Path(__file__).with_name("hook_objects.md")


def render() -> str:
    """The page, ending in a newline."""
    parts = [_PREFACE, _overview()]
    parts += [_entry(name, hook) for name, hook in HOOKS.items()]
    return "\n".join([*parts, _OBJECTS.read_text(encoding="utf-8")])


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
