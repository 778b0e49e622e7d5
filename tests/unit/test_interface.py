"""Which interface an application has, by its signature."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from fastfork.wsgi.interface import Interface, interface_of, wrong_interface

WSGI, ASGI2, ASGI3, UNKNOWN = Interface.WSGI, Interface.ASGI2, Interface.ASGI3, Interface.UNKNOWN


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


async def asgi_any(*args: Any) -> None: ...


async def asgi_partly(extra: Any, scope: Any, receive: Any, send: Any) -> None: ...


def asgi_plain(scope: Any, receive: Any, send: Any) -> Any: ...


def asgi2(scope: Any) -> Any: ...


def factory(config: Any) -> Any: ...


def wsgi(environ: Any, start_response: Any) -> Any: ...


def wsgi_partly(settings: Any, environ: Any, start_response: Any) -> Any: ...


def anything(*args: Any) -> Any: ...


def two_or_three(environ: Any, start_response: Any, exc_info: Any = None) -> Any: ...


async def coroutine_of_two(environ: Any, start_response: Any) -> Any: ...


@functools.wraps(asgi)
def wrapped(*args: Any, **kwargs: Any) -> Any: ...


@functools.wraps(wsgi)
def documented(*args: Any) -> Any: ...


documented.__signature__ = mock.sentinel  # type: ignore[attr-defined]


class Asgi:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def method(self, scope: Any, receive: Any, send: Any) -> None: ...

    @staticmethod
    async def static(scope: Any, receive: Any, send: Any) -> None: ...


class Asgi2:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Asgi2Router:
    def __call__(self, scope: Any) -> Any: ...


class Middleware:
    """Given as a class, by mistake: it is neither."""

    def __init__(self, app: Any) -> None: ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class Awaited:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any: ...


class Wsgi:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class WsgiAnswer:
    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Any: ...


class AnyMiddleware:
    def __call__(self, *args: Any) -> Any: ...


class Meta(type):
    def __call__(cls, *args: Any) -> Any: ...


class Made(metaclass=Meta):
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Touchy:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self, *args: Any) -> Any: ...


APPLICATIONS: dict[str, tuple[object, Interface]] = {
    "a coroutine function of three": (asgi, ASGI3),
    "a coroutine function of any number": (asgi_any, ASGI3),
    "a partial of a coroutine function": (functools.partial(asgi_partly, 1), ASGI3),
    "a partial of a partial": (
        functools.partial(functools.partial(asgi_partly), extra=1),
        UNKNOWN,  # the others would have to be given by name
    ),
    "a plain function of three": (asgi_plain, ASGI3),
    "an object with such a method": (Asgi(), ASGI3),
    "a bound method": (Asgi().method, ASGI3),
    "a static method": (Asgi.static, ASGI3),
    "a partial of an object": (functools.partial(Asgi()), ASGI3),
    "a class whose instances are awaited": (Awaited, ASGI3),
    "a function of scope": (asgi2, ASGI2),
    "a class of scope": (Asgi2, ASGI2),
    "an object called with scope": (Asgi2Router(), ASGI2),
    "a function of two": (wsgi, WSGI),
    "a partial of a function": (functools.partial(wsgi_partly, 1), WSGI),
    "an object called with two": (Wsgi(), WSGI),
    "a class whose instances are iterated": (WsgiAnswer, WSGI),
    "a function of one": (factory, UNKNOWN),
    "a function of any number": (anything, UNKNOWN),
    "a function of two or three": (two_or_three, UNKNOWN),
    "a coroutine function of two": (coroutine_of_two, UNKNOWN),
    "a wrapper": (wrapped, UNKNOWN),
    "a wrapper with a signature written on it": (documented, UNKNOWN),
    "a class that is a middleware": (Middleware, UNKNOWN),
    "middleware for any": (AnyMiddleware(), UNKNOWN),
    "a class with a metaclass that is called": (Made, UNKNOWN),
    "an object whose attributes raise": (Touchy(), UNKNOWN),
    "a Mock": (mock.Mock(), UNKNOWN),
    "a builtin": (dict, UNKNOWN),
    "no callable at all": (3, UNKNOWN),
}


if sys.version_info >= (3, 11, 7):  # before, inspect.signature() raises for it
    APPLICATIONS["an AsyncMock"] = (mock.AsyncMock(), ASGI3)


@pytest.mark.parametrize(("app", "found"), APPLICATIONS.values(), ids=APPLICATIONS.keys())
def test_interface_is_told_without_a_call(app: object, found: Interface) -> None:
    assert interface_of(app) is found


def flask() -> Any:
    return pytest.importorskip("flask").Flask("shop")


def bottle() -> Any:
    return pytest.importorskip("bottle").Bottle()


def django_wsgi() -> Any:
    return pytest.importorskip("django.core.handlers.wsgi").WSGIHandler


def django_asgi() -> Any:
    return pytest.importorskip("django.core.handlers.asgi").ASGIHandler


def wsgi_to_asgi() -> Any:
    return pytest.importorskip("asgiref.wsgi").WsgiToAsgi(wsgi)


def async_to_sync() -> Any:
    return pytest.importorskip("asgiref.sync").async_to_sync(asgi)


def single_callable() -> Any:
    return pytest.importorskip("asgiref.compatibility").double_to_single_callable(Asgi2)


def socketio_asgi() -> Any:
    socketio = pytest.importorskip("socketio")
    return socketio.ASGIApp(socketio.AsyncServer(async_mode="asgi"))


def socketio_wsgi() -> Any:
    socketio = pytest.importorskip("socketio")
    return socketio.WSGIApp(socketio.Server(async_mode="threading"))


def of(module: str, name: str, *arguments: Any) -> Callable[[], Any]:
    """An object that `name` of a module makes, where it is installed."""

    def make() -> Any:
        pytest.importorskip(module)
        return getattr(importlib.import_module(module), name)(*arguments)

    return make


FRAMEWORKS: list[tuple[Callable[[], Any], Interface]] = [
    (flask, WSGI),
    (bottle, WSGI),
    (socketio_wsgi, WSGI),
    (of("a2wsgi", "ASGIMiddleware", asgi), WSGI),
    (wsgi_to_asgi, ASGI3),
    (single_callable, ASGI3),
    (socketio_asgi, ASGI3),
    (of("starlette.applications", "Starlette"), ASGI3),
    (of("fastapi", "FastAPI"), ASGI3),
    (of("quart", "Quart", "shop"), ASGI3),
    (of("litestar", "Litestar"), ASGI3),
    (of("channels.routing", "ProtocolTypeRouter", {}), ASGI3),
    (of("falcon.asgi", "App"), ASGI3),
    (of("falcon", "App"), WSGI),
    (of("a2wsgi", "WSGIMiddleware", wsgi), ASGI3),
    (async_to_sync, UNKNOWN),
]


@pytest.mark.parametrize(("make", "found"), FRAMEWORKS)
def test_framework_is_known(make: Callable[[], Any], found: Interface) -> None:
    assert interface_of(make()) is found


@pytest.mark.parametrize(("make", "found"), [(django_wsgi, WSGI), (django_asgi, ASGI3)])
def test_handler_of_django_is_known_without_its_settings(
    make: Callable[[], Any], found: Interface
) -> None:
    handler = make()
    assert interface_of(handler.__new__(handler)) is found


@pytest.mark.parametrize(
    ("app", "wanted", "said"),
    [
        (asgi, WSGI, (
            "shop:app is an ASGI application (it is called with scope, receive and send), and "
            "this worker serves WSGI; give the option -k asgi")),
        (Asgi2, WSGI, (
            "shop:app is an ASGI 2 application (it is called with a scope), and this worker "
            "serves WSGI; give the option -k asgi")),
        (wsgi, ASGI3, (
            "shop:app is a WSGI application (it is called with environ and start_response), and "
            "this worker serves ASGI; leave out -k asgi (worker_class)")),
        (asgi, ASGI3, None),
        (Asgi2, ASGI3, None),
        (wsgi, WSGI, None),
        (anything, WSGI, None),
        (anything, ASGI3, None),
    ],
)  # fmt: skip
def test_worker_of_the_other_interface_says_which_option_to_give(
    app: object, wanted: Interface, said: str | None
) -> None:
    assert wrong_interface(app, "shop:app", wanted=wanted) == said
