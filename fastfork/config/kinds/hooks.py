"""The server hooks: which there are, what each is given, in which process and when.

From this table come the settings, the check of what is given for one, and
docs/reference/hooks.md.

Runs in: both
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from fastfork.records import record

from .basic import Kind, complaint

__all__ = ["HOOKS", "Hook", "HookFunction", "arity", "kind_of"]

HookFunction = Callable[..., object]
Process = Literal["arbiter", "worker", "new program"]


@record(frozen=True, kw_only=True)
class Hook:
    """One hook.

    arguments: what it is called with; from `fewest` on it may take fewer of them.
    process: where it runs.  when: one sentence.  raising: what an exception of it does, besides
    being logged with its name.  more: what else to know.
    """

    arguments: tuple[str, ...]
    process: Process
    when: str
    raising: str = "it goes on"
    more: str = ""
    fewest: int | None = None


SERVER: Final = ("server",)
WORKER: Final = ("worker",)
BOTH: Final = ("server", "worker")
DIES: Final = "the worker has failed to boot, as if its application had not loaded (exit code 3)"

HOOKS: Final[Mapping[str, Hook]] = MappingProxyType(
    {
        "on_starting": Hook(
            arguments=SERVER,
            process="arbiter",
            when="Called when the pid file is written, before there are sockets and signal "
            "handlers.",
            raising="it goes on; `sys.exit()` ends the start with that exit code",
            more="The application is not loaded yet, with `preload_app` neither (in gunicorn it is "
            "then). It runs again in the new program of an upgrade.",
        ),
        "when_ready": Hook(
            arguments=SERVER,
            process="arbiter",
            when="Called when the sockets listen and no worker has been started yet.",
            more="Nothing can be answered at that moment, whatever the name says: use "
            "`worker_ready`.",
        ),
        "nworkers_changed": Hook(
            arguments=("server", "new_value", "old_value"),
            process="arbiter",
            when="Called when the number of workers wanted is set: at start, on reload, TTIN, "
            "TTOU, WINCH.",
            more="`old_value` is None the first time, which is before `on_starting`. A reload "
            "calls it with twice the same number when that did not change.",
        ),
        "pre_fork": Hook(
            arguments=BOTH,
            process="arbiter",
            when="Called just before a worker is forked.",
            more="What it sets on `worker` is there in the worker too, in every later hook; with "
            "`preload_app` if pickle can copy it.",
        ),
        "post_fork": Hook(
            arguments=BOTH,
            process="worker",
            when="Called first thing in a new worker, before user and group are changed.",
            raising=DIES,
            more="Signals are held back until it returns, and handlers that it sets are replaced. "
            "With `preload_app` the template has changed user and group already.",
        ),
        "before_refork": Hook(
            arguments=BOTH,
            process="worker",
            when="Called in a worker that has finished and becomes the template (`refork`).",
            raising="the worker ends, and there is no refork",
            more="Not among gunicorn's hooks. Close here what the new workers must not share: "
            "connections to databases, sockets, threads.",
        ),
        "after_refork": Hook(
            arguments=BOTH,
            process="worker",
            when="Called in each worker that was forked from a warm template, before post_fork.",
            raising=DIES,
            more="Not among gunicorn's hooks. Open here what before_refork has closed.",
        ),
        "post_worker_init": Hook(
            arguments=WORKER,
            process="worker",
            when="Called when the application is loaded, just before the worker serves.",
            raising=DIES,
            more="What it puts into `worker.wsgi` is served, such as a middleware around it.",
        ),
        "worker_ready": Hook(
            arguments=BOTH,
            process="arbiter",
            when="Called when a worker has reported that it is ready to answer requests.",
            more="Not among gunicorn's hooks. The first call is the moment from which the server "
            "answers.",
        ),
        "worker_int": Hook(
            arguments=WORKER,
            process="worker",
            when="Called in a worker that is told to leave at once (SIGINT, SIGQUIT).",
            more="It runs in the signal handler: between two lines of the application.",
        ),
        "worker_abort": Hook(
            arguments=WORKER,
            process="worker",
            when="Called in a worker that was silent for `timeout` (SIGABRT), before it leaves.",
            more="It runs in the signal handler and has a second: then the arbiter sends SIGKILL. "
            "The stacks of all threads and the request are in the log already.",
        ),
        "pre_exec": Hook(
            arguments=SERVER,
            process="new program",
            when="Called in the fork of the arbiter that is to become the new program (SIGUSR2).",
        ),
        "pre_request": Hook(
            arguments=("worker", "req"),
            process="worker",
            when="Called just before the application is called with a request.",
            raising="the request is answered with 500",
            more="gunicorn's default logs method and path at level debug; here nothing is called "
            "and nothing is paid unless the setting is given.",
        ),
        "post_request": Hook(
            arguments=("worker", "req", "environ", "resp"),
            fewest=2,
            process="worker",
            when="Called when a response is complete and handed to the kernel, or given up.",
            more="A function of 2, 3 or 4 parameters is given as many. It is not called for what "
            "is no valid request, nor when the client was gone before a response had begun.",
        ),
        "ssl_context": Hook(
            arguments=("config", "default_ssl_context_factory"),
            process="worker",
            when="Called in a worker with `certfile` when its application is loaded: returns the "
            "SSLContext of its TLS.",
            raising=DIES,
            more="`default_ssl_context_factory()` makes one of the settings, as it is without the "
            "hook; the first that it gives to a worker has the keys of session tickets in common "
            "with all workers. Once a worker, and again when `tls_reload` finds new files; "
            "gunicorn calls it for each connection. See [TLS](../how-to/tls.md) for several "
            "certificates (SNI).",
        ),
        "child_exit": Hook(
            arguments=BOTH,
            process="arbiter",
            when="Called when a worker or a template has ended, however it did.",
            more="gunicorn does not call it for a worker that failed to boot. A "
            "[template](../explanation/template.md) has a pid, `worker.number` is -1 and "
            "`worker.age` 0; what `pre_fork` sets on workers is not there. One that was a worker "
            "(`refork`) is given as that worker. So what is kept by pid can be cleared up: "
            "`multiprocess.mark_process_dead(worker.pid)` of prometheus-client.",
        ),
        "worker_exit": Hook(
            arguments=BOTH,
            process="worker",
            when="Called in a worker that ends, as the last thing before its exit handlers.",
            more="Not when it was killed (SIGKILL, out of memory, a crash in C).",
        ),
        "on_reload": Hook(
            arguments=SERVER,
            process="arbiter",
            when="Called on SIGHUP, when the settings are read and before workers are replaced.",
            more="Not when the settings had a mistake: then nothing is reloaded.",
        ),
        "on_exit": Hook(
            arguments=SERVER,
            process="arbiter",
            when="Called at the very end: sockets closed, workers gone, pid file removed.",
            more="After every start that came as far as `on_starting`, also a failed one.",
        ),
    }
)


def arity(function: HookFunction, hook: Hook) -> int | None:
    """Return with how many of the hook's arguments `function` can be called; None when with none.

    As many as it takes.  What has no signature (some C functions) is given all.
    """
    import inspect  # here: servers without hooks do not need it

    most = len(hook.arguments)
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return most
    for count in range(most, (hook.fewest or most) - 1, -1):
        try:
            signature.bind(*hook.arguments[:count])
        except TypeError:
            continue
        return count
    return None


def kind_of(name: str) -> Kind[HookFunction | None]:
    """Return what may be given for hook `name`: a function, its dotted name, or None."""
    hook = HOOKS[name]
    takes = f"({', '.join(hook.arguments)})"

    def parse(value: object) -> HookFunction | None:
        if value is None or value == "":
            return None
        function = _imported(value) if isinstance(value, str) else value
        if not callable(function):
            raise complaint(value, "cannot be called", f"write a function {name}{takes}")
        if arity(function, hook) is None:
            raise complaint(value, f"cannot be called with {takes}", f"write def {name}{takes}:")
        return function

    return Kind(f"function {takes}", "", parse, show=_show)


def _imported(dotted: str) -> object:
    """Return the object that "package.module.function" names."""
    module, _, attribute = dotted.rpartition(".")
    advice = "write a function, or its dotted name such as shop.hooks.when_ready"
    if not module:
        raise complaint(dotted, "is no dotted name", advice)
    try:
        return getattr(importlib.import_module(module), attribute)
    except AttributeError:
        raise complaint(dotted, f"is not there: {module} has no {attribute}", advice) from None
    except Exception as error:  # the user's module raised
        told = f"{type(error).__name__}: {error}"
        raise complaint(dotted, f"cannot be imported ({told})", advice) from None


def _show(function: HookFunction | None) -> str:
    if function is None:
        return "none"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '?')}.{name}"
