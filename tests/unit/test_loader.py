"""MODULE:APP: what it names, how it is loaded, and what to type when it names nothing."""

from __future__ import annotations

import py_compile
import sys
from collections.abc import Callable, Iterator
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from fastfork.errors import AppImportFailed, AppNotFound
from fastfork.wsgi import check_before_fork, load_any, load_app, source

Write = Callable[..., Path]

APP = "def app(environ, start_response):\n    return []\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules into a folder that comes first in sys.path; forget them afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(name: str, text: str = APP) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(text: str, function: Callable[[str], object]) -> str:
    with pytest.raises(AppNotFound) as refused:
        function(text)
    assert refused.value.exit_code == 4
    assert "\n" not in str(refused.value)
    return str(refused.value)


def refused_twice(text: str) -> str:
    """What is said before the fork, which must be what is said in the worker."""
    early, late = refusal(text, check_before_fork), refusal(text, load_app)
    assert early == late
    return early


# -- what is found


def test_attribute_is_loaded(write: Write) -> None:
    write("shop.py")
    check_before_fork("shop:app")
    assert load_app("shop:app").__name__ == "app"  # type: ignore[attr-defined]


def test_module_alone_means_application(write: Write) -> None:
    write("shop.py", "from json import dumps as application\n")
    check_before_fork("shop")
    with pytest.raises(AppNotFound, match="cannot be called as application"):
        load_app("shop")


def test_factory_is_called_with_its_arguments(write: Write) -> None:
    write(
        "shop.py",
        "def make(name, debug=False):\n"
        "    def app(environ, start_response): pass\n"
        "    app.made_with = name, debug\n"
        "    return app\n",
    )
    check_before_fork("shop:make('x', debug=True)")
    assert load_app("shop:make('x', debug=True)").made_with == ("x", True)  # type: ignore[attr-defined]


def test_class_and_instance_can_be_applications(write: Write) -> None:
    write(
        "shop.py",
        "class App:\n"
        "    def __init__(self, environ, start_response): pass\n"
        "class Site:\n"
        "    def __call__(self, environ, start_response): return []\n"
        "site = Site()\n",
    )
    assert load_app("shop:App").__name__ == "App"  # type: ignore[attr-defined]
    assert type(load_app("shop:site")).__name__ == "Site"


def test_decorated_application_is_judged_by_its_wrapper(write: Write) -> None:
    write(
        "shop.py",
        "import functools\n"
        "def adapt(f):\n"
        "    @functools.wraps(f)\n"
        "    def wrapper(*args): return f()\n"
        "    return wrapper\n"
        "@adapt\n"
        "def app(): return []\n",
    )
    assert callable(load_app("shop:app"))


def test_module_of_a_package_is_checked_without_importing_the_package(write: Write) -> None:
    write("site_pkg/__init__.py", "")
    write("site_pkg/web.py")
    check_before_fork("site_pkg.web:app")
    assert "site_pkg" not in sys.modules
    assert "site_pkg.web" not in sys.modules
    assert callable(load_app("site_pkg.web:app"))


def test_namespace_package_is_a_package(write: Write) -> None:
    write("loose_pkg/web.py")
    check_before_fork("loose_pkg.web:app")
    assert callable(load_app("loose_pkg.web:app"))


# -- what is not found


def test_misspelt_attribute_is_told_before_the_fork(write: Write) -> None:
    write("shop.py")
    assert refused_twice("shop:ap") == (
        "module 'shop' has no attribute 'ap'; did you mean shop:app?"
    )


def test_nothing_of_the_application_runs_before_the_fork(write: Write, tmp_path: Path) -> None:
    write("shop.py", f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{APP}")
    refusal("shop:ap", check_before_fork)
    check_before_fork("shop:app")
    assert not (tmp_path / "ran").exists()
    assert "shop" not in sys.modules


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        (APP, "shop", "'application'; did you mean shop:app?"),
        ("def create_app(): pass\n", "shop:zzz", "'zzz'; did you mean 'shop:create_app()'?"),
        ("import os\n", "shop:zzz", "'zzz'"),
        ("_ap = 1\n", "shop:app", "'app'"),
    ],
)
def test_hint_is_a_close_or_a_usual_name(write: Write, module: str, text: str, said: str) -> None:
    write("shop.py", module)
    assert refused_twice(text) == f"module 'shop' has no attribute {said}"


@pytest.mark.parametrize(
    "module",
    [
        "if True:\n    app = 1\n",
        "try:\n    import app\nexcept ImportError as app:\n    pass\n",
        "with open('x') as app: pass\n",
        "for app in []: pass\n",
        "(app, b) = 1, 2\n",
        "[a, *app] = 1, 2\n",
        "import app.b.c\n",
        "import x as app\n",
        "class app: pass\n",
        "async def app(): pass\n",
        "app: int = 1\n",
        "if (app := 1): pass\n",
        "match 1:\n    case app: pass\n",
        "match {}:\n    case {**app}: pass\n",
        "match []:\n    case [*app]: pass\n",
        "def f():\n    global app\n    app = 1\n",
        "from x import *\n",
        "globals()['a' 'pp'] = 1\n",
        "exec('app = 1')\n",
        "import sys\nsetattr(sys.modules[__name__], 'app', 1)\n",
        "def __getattr__(name): return 1\n",
        "from sys import modules\n",
        "vars().update(x=1)\n",
        "1 / 0\n",
        "import os\nraise RuntimeError\n",
    ],
)
def test_what_may_be_there_is_left_to_the_worker(write: Write, module: str) -> None:
    write("shop.py", module)
    check_before_fork("shop:app")


@pytest.mark.parametrize(
    "module",
    [
        "def f():\n    app = 1\n",
        "class C:\n    app = 1\n",
        "f = lambda app: app\n",
        "x = 1\nx.app = 1\n",
        "x = 'app'\n",
    ],
)
def test_what_is_certainly_not_there_is_refused(write: Write, module: str) -> None:
    write("shop.py", module)
    assert refusal("shop:app", check_before_fork).startswith("module 'shop' has no attribute")


def test_name_that_only_the_import_makes_is_loaded(write: Write) -> None:
    write("shop.py", f"{APP}globals()['web'] = app\n")
    check_before_fork("shop:web")
    assert callable(load_app("shop:web"))


def test_submodule_as_an_attribute_is_left_to_the_worker(write: Write) -> None:
    write("site_pkg/__init__.py", "import site_pkg.web\n")
    write("site_pkg/web.py")
    check_before_fork("site_pkg:web")
    assert refusal("site_pkg:web", load_app) == (
        "site_pkg:web is a module; did you mean site_pkg.web:app?"
    )


def test_misspelt_module_is_told_before_the_fork(write: Write) -> None:
    write("shopping.py")
    write("site_pkg/__init__.py", "")
    write("site_pkg/frontend.py")
    assert refused_twice("shoping:app") == ("no module named 'shoping'; did you mean shopping:app?")
    assert refused_twice("site_pkg.frontent:app") == (
        "no module named 'site_pkg.frontent'; did you mean site_pkg.frontend:app?"
    )
    assert refused_twice("site_pgk.frontend:app") == (
        "no module named 'site_pgk.frontend'; did you mean site_pkg.frontend:app?"
    )


def test_module_that_resembles_nothing_is_told_where_it_was_looked_for(
    write: Write, tmp_path: Path
) -> None:
    write("shop.py")
    assert refused_twice("warehouse_zzz:app") == (
        f"no module named 'warehouse_zzz'; looked in {tmp_path} and the rest of sys.path "
        "(--chdir, --pythonpath)"
    )


def test_dot_where_a_colon_was_meant_is_told(write: Write) -> None:
    write("shop.py")
    assert refused_twice("shop.app") == "no module named 'shop.app'; did you mean shop:app?"


def test_package_that_makes_its_own_submodules_is_left_to_the_worker(write: Write) -> None:
    write(
        "site_pkg/__init__.py",
        "import sys, types\n"
        "web = types.ModuleType('site_pkg.web')\n"
        "web.app = lambda environ, start_response: []\n"
        "sys.modules['site_pkg.web'] = web\n",
    )
    check_before_fork("site_pkg.web:app")
    assert callable(load_app("site_pkg.web:app"))


def test_builtin_module_is_left_to_the_worker() -> None:
    check_before_fork("sys:app")
    assert refusal("sys:app", load_app).startswith("module 'sys' has no attribute 'app'")


# -- what is found, and is no application


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("app = None\n", "shop:app", ("shop:app is None; a WSGI application is called as "
         "app(environ, start_response)")),
        ("app = 3\n", "shop:app", ("shop:app is of type int; a WSGI application is called as "
         "app(environ, start_response)")),
        ("def make(): pass\n", "shop:make()", ("shop:make() is None; a WSGI application is called "
         "as app(environ, start_response)")),
        ("def make(): pass\n", "shop:make",
         "shop:make takes no arguments, so it is a factory; write 'shop:make()'"),
        ("async def app(scope, receive, send): pass\n", "shop:app",
         ("shop:app is an ASGI application (it is called with scope, receive and send), and this "
         "worker serves WSGI; give the option -k asgi")),
        ("async def app(scope, receive, send): pass\ndef make(): return app\n", "shop:make()",
         ("shop:make() is an ASGI application (it is called with scope, receive and send), and "
         "this worker serves WSGI; give the option -k asgi")),
        ("def app(a, b, c, d): pass\n", "shop:app",
         "shop:app cannot be called as app(environ, start_response): it takes (a, b, c, d)"),
        ("def make(x): pass\n", "shop:make()",
         "shop:make(...) does not fit: missing a required argument: 'x'"),
        ("app = 3\n", "shop:app()",
         "shop:app is of type int and cannot be called; did you mean shop:app?"),
        ("import os as app\n", "shop:app", "shop:app is a module; did you mean shop.app:app?"),
    ],
)  # fmt: skip
def test_what_is_no_application_is_told(write: Write, module: str, text: str, said: str) -> None:
    write("shop.py", module)
    check_before_fork(text)
    assert refusal(text, load_app) == said


def test_application_of_any_interface_can_be_loaded(write: Write) -> None:
    write("shop.py", "async def app(scope, receive, send): pass\n")
    assert load_any("shop:app").__name__ == "app"


# -- the user's code raises


def failure(text: str, function: Callable[[str], object] = load_app) -> AppImportFailed:
    with pytest.raises(AppImportFailed) as failed:
        function(text)
    assert failed.value.exit_code == 3
    return failed.value


def test_import_that_raises_shows_the_users_first_frame(write: Write) -> None:
    path = write("shop.py", "def f():\n    raise KeyError('x')\nf()\n")
    failed = failure("shop:app")
    assert str(failed) == "shop cannot be imported: KeyError: 'x'"
    lines = failed.traceback_text.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{path}", line 3, in <module>'
    assert lines[-1] == "KeyError: 'x'"


def test_missing_dependency_is_the_applications_failure(write: Write) -> None:
    path = write("shop.py", "import no_such_module_here\n")
    failed = failure("shop:app")
    assert "No module named 'no_such_module_here'" in str(failed)
    assert f'  File "{path}", line 1, in <module>' in failed.traceback_text


def test_module_that_misses_a_part_of_itself_is_the_applications_failure(write: Write) -> None:
    write("site_pkg/__init__.py", "import site_pkg.web.deep\n")
    write("site_pkg/web.py")
    assert "No module named 'site_pkg.web.deep'" in str(failure("site_pkg.web:app"))


def test_syntax_error_is_told_before_the_fork(write: Write) -> None:
    path = write("shop.py", "app = [\n")
    for function in (check_before_fork, load_app):
        failed = failure("shop:app", function)
        assert str(failed).startswith("shop cannot be imported: SyntaxError: ")
        assert failed.traceback_text.splitlines()[0] == f'  File "{path}", line 1'


def test_source_of_which_there_is_a_current_pyc_is_not_compiled_again(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("shop.py")
    py_compile.compile(str(path))
    spec = spec_from_file_location("shop", path)
    assert spec is not None
    assert source.is_compiled(spec)
    calls: list[object] = []
    monkeypatch.setattr(source, "compile", lambda *call, **_: calls.append(call), raising=False)
    check_before_fork("shop:app")
    assert calls == []
    path.write_text(f"{APP}\n")
    assert not source.is_compiled(spec)
    check_before_fork("shop:app")
    assert len(calls) == 1


def test_bytes_that_are_no_python_are_told(write: Write, tmp_path: Path) -> None:
    write("shop.py")
    (tmp_path / "shop.py").write_bytes(b"app = '\xff'\n")
    check_before_fork("shop:app")
    assert "SyntaxError" in str(failure("shop:app"))


def test_warning_in_the_source_is_not_told_twice(write: Write) -> None:
    write("shop.py", f"x = '\\d'\n{APP}")
    check_before_fork("shop:app")


def test_module_that_leaves_has_failed(write: Write) -> None:
    write("shop.py", "import sys\nsys.exit(1)\n")
    assert str(failure("shop:app")) == "shop cannot be imported: SystemExit: 1"


def test_factory_that_raises_has_failed(write: Write) -> None:
    path = write("shop.py", "def make():\n    raise TypeError('no database')\n")
    failed = failure("shop:make()")
    assert str(failed) == "the factory shop:make() failed: TypeError: no database"
    assert failed.traceback_text.splitlines()[1] == f'  File "{path}", line 2, in make'


def test_getattr_of_the_module_that_raises_has_failed(write: Write) -> None:
    write("shop.py", "def __getattr__(name):\n    raise RuntimeError('no')\n")
    assert str(failure("shop:app")) == "shop:app failed: RuntimeError: no"


def test_chained_errors_are_shown(write: Write) -> None:
    write("shop.py", "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e\n")
    text = failure("shop:app").traceback_text
    assert "ZeroDivisionError: division by zero" in text
    assert "The above exception was the direct cause" in text
    assert "importlib" not in text
