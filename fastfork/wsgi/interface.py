"""Which interface an application has, told by its signature alone: it is never called.

WSGI (PEP 3333) is called as app(environ, start_response) and returns an iterable.  ASGI 3 is a
coroutine function app(scope, receive, send); ASGI 2 is app(scope), which returns a coroutine
function of (receive, send) (asgiref, specs/asgi.rst, "Applications" and "Legacy Applications").

What is not certain is Interface.UNKNOWN, and is refused by nobody: decorators and middleware often
take any arguments.

Runs in: both
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Final

__all__ = ["Interface", "interface_of", "wrong_interface"]

# The name of the one argument of ASGI 2.  A function of one argument may be a factory as well.
SCOPE: Final = "scope"


class Interface(enum.Enum):
    """What an application speaks, as far as its signature says."""

    WSGI = "WSGI"
    ASGI3 = "ASGI"
    ASGI2 = "ASGI 2"
    UNKNOWN = "unknown"

    @property
    def is_asgi(self) -> bool:
        """Whether it is one of the two versions of ASGI."""
        return self in (Interface.ASGI2, Interface.ASGI3)


def interface_of(app: object) -> Interface:
    """Return the interface of `app`, UNKNOWN unless its signature leaves one possibility.  Never
    raises.

    The signature is that of what will be called, not of a function that a decorator has wrapped.
    """
    try:
        return _of_class(app) if isinstance(app, type) else _of_callable(app)
    except Exception:  # an attribute of the application's may raise whatever it likes
        return Interface.UNKNOWN


def wrong_interface(app: object, name: str, *, wanted: Interface) -> str | None:
    """Return why a worker for `wanted` cannot serve `app`, in one line with the option to give; or
    None.

    name: of the application, MODULE:APP.  wanted: Interface.WSGI or Interface.ASGI3; a worker for
    the latter takes applications of ASGI 2 too.
    """
    found = interface_of(app)
    if wanted is Interface.WSGI and found.is_asgi:
        return (
            f"{name} is an {found.value} application ({_CALLED[found]}), and this worker serves "
            "WSGI; give the option -k asgi"
        )
    if wanted is Interface.ASGI3 and found is Interface.WSGI:
        return (
            f"{name} is a WSGI application ({_CALLED[found]}), and this worker serves ASGI; "
            "leave out -k asgi (worker_class)"
        )
    return None


_CALLED: Final = {
    Interface.WSGI: "it is called with environ and start_response",
    Interface.ASGI3: "it is called with scope, receive and send",
    Interface.ASGI2: "it is called with a scope",
}


def _of_callable(app: object) -> Interface:
    """Return the interface of a function, a method or an object with `__call__`."""
    signature = _signature(app)
    if signature is None:
        return Interface.UNKNOWN
    if _is_coroutine_function(app):
        # No coroutine is an iterable, so WSGI it is not; with other arguments it is neither.
        return Interface.ASGI3 if _accepts(signature, 3) else Interface.UNKNOWN
    possible = [count for count in (1, 2, 3) if _accepts(signature, count)]
    if possible == [3]:
        return Interface.ASGI3  # a plain function that returns the coroutine of another
    if possible == [2]:
        return Interface.WSGI
    if possible == [1] and _first_argument(signature) == SCOPE:
        return Interface.ASGI2
    return Interface.UNKNOWN


def _of_class(app: type) -> Interface:
    """Return the interface of a class, whose instances are the answers.

    With WSGI they are iterable, with ASGI 2 they are called with receive and send.
    """
    if type(app).__call__ is not type.__call__:
        return Interface.UNKNOWN  # a metaclass decides what a call returns
    signature = _signature(app)
    if signature is None:
        return Interface.UNKNOWN
    if _accepts(signature, 1) and not _accepts(signature, 2):
        return Interface.ASGI2 if _takes_messages(app.__call__) else Interface.UNKNOWN
    if _accepts(signature, 2) and not _accepts(signature, 3) and hasattr(app, "__iter__"):
        return Interface.WSGI
    if _accepts(signature, 3) and not _accepts(signature, 2) and hasattr(app, "__await__"):
        return Interface.ASGI3
    return Interface.UNKNOWN


def _takes_messages(method: Callable[..., object]) -> bool:
    """Return whether a method is a coroutine function of receive and send, beside self."""
    signature = _signature(method) if inspect.iscoroutinefunction(method) else None
    return signature is not None and _accepts(signature, 3) and not _accepts(signature, 2)


def _signature(app: object) -> inspect.Signature | None:
    """Return how `app` is called; None when nobody knows, or when somebody has written it on."""
    if hasattr(app, "__signature__") or hasattr(_function_of(app), "__signature__"):
        return None  # mostly that of a wrapped function, put there for documentation
    try:
        return inspect.signature(app, follow_wrapped=False)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return None


def _function_of(app: object) -> Any:
    """Return what runs when `app` is called: its `__call__`, or the function inside a partial."""
    while isinstance(app, partial):
        app = app.func
    if inspect.isroutine(app) or isinstance(app, type):
        return app
    return type(app).__call__


def _is_coroutine_function(app: object) -> bool:
    """Whether a call returns a coroutine for certain."""
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(_function_of(app))


def _first_argument(signature: inspect.Signature) -> str:
    return next(iter(signature.parameters), "")


def _accepts(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
