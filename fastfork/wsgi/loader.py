"""Finding and loading the application that MODULE:APP names.

Two moments: `check_before_fork` refuses what certainly cannot work, without running a line of
the application; `load_app` imports it, in the worker (or before the fork with preload_app).

Runs in: both
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from fastfork.config.usertrace import format_user_traceback, summary
from fastfork.errors import AppImportFailed, AppNotFound

from . import source, spec
from .spec import AppSpec

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = [
    "as_asgi",
    "check_before_fork",
    "check_interface",
    "load_any",
    "load_app",
    "load_asgi",
]

COROUTINE: Final = 0x80  # inspect.CO_COROUTINE, without the module


def load_app(text: str) -> WSGIApplication:
    """Load a WSGI application: see `load_any`; what certainly is none raises AppNotFound too."""
    app = load_any(text)
    _check_wsgi(spec.parse(text), app)
    return cast("WSGIApplication", app)


def load_asgi(text: str) -> Callable[..., object]:
    """Load an ASGI application: see `load_any`; what certainly is none raises AppNotFound too.

    One of ASGI 2 comes back as one of ASGI 3.
    """
    return as_asgi(load_any(text), text)


def as_asgi(app: Callable[..., object], text: str) -> Callable[..., object]:
    """`app` as an application of ASGI 3; text: told of it.  Raises AppNotFound for one of WSGI."""
    from . import interface

    reason = interface.wrong_interface(app, text, wanted=interface.Interface.ASGI3)
    if reason is not None:
        raise AppNotFound(reason)
    if interface.interface_of(app) is interface.Interface.ASGI2:
        return _of_version_2(app)
    return app


def _of_version_2(app: Callable[..., Any]) -> Callable[..., object]:
    """An application that is called with the scope, and what that returns with the rest."""

    async def called(scope: object, receive: object, send: object) -> None:
        await app(scope)(receive, send)

    return called


def load_any(text: str) -> Callable[..., object]:
    """Import the module, take the attribute or call the factory; of whatever interface it is.

    Raises AppNotFound, with one line that says what to type; AppImportFailed when the user's
    code raises, with the traceback from its first frame.
    """
    wanted = spec.parse(text)
    module = _import(wanted)
    try:
        found = getattr(module, wanted.name)
    except AttributeError:
        _no_attribute(wanted, _names_of(module))
    except Exception as error:  # a module's own __getattr__
        raise _failed(f"{wanted} failed", error) from error
    if wanted.arguments is not None:
        found = _call(wanted, found)
    return _checked(wanted, found)


def check_before_fork(text: str) -> None:
    """Refuse what certainly cannot be loaded, without importing the application.

    Raises AppNotFound (no such module, no such name), AppImportFailed (the module's source is
    no Python).  What is not certain is left to `load_app`.
    """
    wanted = spec.parse(text)
    try:
        found, certain = source.find(wanted.module)
    except (ImportError, ValueError, AttributeError):
        return  # a finder of the user's own; the import will tell
    if found is None:
        if certain:
            _no_module(wanted)
        return
    text_of_module = source.read_source(found)
    if text_of_module is None:
        return
    try:
        compiled = source.is_compiled(found)
        if source.binds(text_of_module, wanted.name, is_compiled=compiled):
            return
        from .names import names_in  # here, as the next ones: mostly it is not asked

        names = names_in(text_of_module)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        _refuse_source(wanted, text_of_module, found)
        return
    if not names.certain or names.raises or wanted.name in names.names:
        return
    if not _is_submodule(wanted, found):
        _no_attribute(wanted, names.names)


def _is_submodule(wanted: AppSpec, package: ModuleSpec) -> bool:
    """Return whether importing a submodule may put its name into the package."""
    folders = package.submodule_search_locations
    if folders is None:
        return wanted.name.startswith("__")  # every module has __name__ and the like
    return PathFinder.find_spec(f"{wanted.module}.{wanted.name}", list(folders)) is not None


def _refuse_source(wanted: AppSpec, text: str, found: ModuleSpec) -> None:
    """Raise AppImportFailed when the compiler refuses the module's source."""
    try:
        compile(text, str(found.origin), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _failed(f"{wanted.module} cannot be imported", error) from None


def _import(wanted: AppSpec) -> ModuleType:
    try:
        return importlib.import_module(wanted.module)
    except ModuleNotFoundError as error:
        if _is_part_of(error.name, wanted.module) and not _came_from_user_code(error):
            _no_module(wanted)
        raise _failed(f"{wanted.module} cannot be imported", error) from error
    except (Exception, SystemExit) as error:
        raise _failed(f"{wanted.module} cannot be imported", error) from error


def _is_part_of(missing: str | None, module: str) -> bool:
    return missing is not None and f"{module}.".startswith(f"{missing}.")


def _came_from_user_code(error: BaseException) -> bool:
    return format_user_traceback(error).startswith("Traceback")


def _failed(what: str, error: BaseException) -> AppImportFailed:
    return AppImportFailed(f"{what}: {summary(error)}", traceback_text=format_user_traceback(error))


def _names_of(module: ModuleType) -> dict[str, bool]:
    return {name: isinstance(value, FunctionType) for name, value in vars(module).items()}


def _no_module(wanted: AppSpec) -> NoReturn:
    from . import hints

    hint = _dot_for_colon(wanted) or hints.module_hint(wanted.module, wanted.name)
    raise AppNotFound(f"no module named {wanted.module!r}{hint}") from None


def _dot_for_colon(wanted: AppSpec) -> str:
    """Return the hint for shop.app where shop:app was meant, or ''."""
    module, _, name = wanted.module.rpartition(".")
    if not module or wanted.name != spec.DEFAULT_NAME:
        return ""
    try:
        from .names import names_in

        found, _ = source.find(module)
        names = names_in((found and source.read_source(found)) or "").names
    except (ImportError, ValueError, SyntaxError, AttributeError):
        return ""
    return f"; did you mean {module}:{name}?" if name in names else ""


def _no_attribute(wanted: AppSpec, names: dict[str, bool]) -> NoReturn:
    from . import hints

    is_default = wanted.name == spec.DEFAULT_NAME
    hint = hints.name_hint(wanted.module, wanted.name, names, is_default=is_default)
    raise AppNotFound(f"module {wanted.module!r} has no attribute {wanted.name!r}{hint}") from None


def _call(wanted: AppSpec, factory: object) -> object:
    """What the factory returns.  Arguments that do not fit are the caller's error."""
    positional, keywords = wanted.arguments or ((), {})
    if not callable(factory):
        raise AppNotFound(
            f"{wanted.module}:{wanted.name} is {_described(factory)} and cannot be called; "
            f"did you mean {wanted.module}:{wanted.name}?"
        )
    import inspect

    try:
        inspect.signature(factory).bind(*positional, **keywords)
    except TypeError as error:
        raise AppNotFound(f"{wanted.module}:{wanted.name}(...) does not fit: {error}") from None
    except ValueError:
        pass  # a callable without a signature: the call itself will tell
    try:
        return factory(*positional, **keywords)
    except (Exception, SystemExit) as error:
        raise _failed(f"the factory {wanted} failed", error) from error


def _checked(wanted: AppSpec, app: object) -> Callable[..., object]:
    if isinstance(app, ModuleType):
        raise AppNotFound(f"{wanted} is a module; did you mean {wanted.module}.{wanted.name}:app?")
    if not callable(app):
        raise AppNotFound(
            f"{wanted} is {_described(app)}; a WSGI application is called as "
            "app(environ, start_response)"
        )
    return app


def check_interface(app: object, name: str) -> None:
    """Raise AppNotFound when `app` certainly is an ASGI application; name: told of it."""
    if _takes_two(app):
        return
    from . import interface

    reason = interface.wrong_interface(app, name, wanted=interface.Interface.WSGI)
    if reason is not None:
        raise AppNotFound(reason)


def _check_wsgi(wanted: AppSpec, app: Callable[..., object]) -> None:
    """Raise AppNotFound for what certainly cannot be called as app(environ, start_response)."""
    check_interface(app, str(wanted))
    if wanted.arguments is not None or _takes_two(app):
        return
    from . import hints

    reason = hints.not_wsgi(app, wanted.module, wanted.name)
    if reason is not None:
        raise AppNotFound(reason)


def _takes_two(app: object) -> bool:
    """Return whether it is a plain function of two arguments, or has one for its `__call__`."""
    called, bound = (app, 0) if isinstance(app, FunctionType) else (type(app).__call__, 1)
    if not isinstance(called, FunctionType) or hasattr(app, "__signature__"):
        return False
    code = called.__code__
    needed = code.co_argcount - len(called.__defaults__ or ())
    has_place = needed <= 2 + bound <= code.co_argcount and code.co_kwonlyargcount == 0
    return has_place and not code.co_flags & COROUTINE


def _described(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
