"""The table of hooks: what may be given for one, what calling one does, and its page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from fastfork import logs
from fastfork.config import SETTINGS, Config
from fastfork.config.kinds.basic import BadValue
from fastfork.config.kinds.hooks import HOOKS, arity
from fastfork.errors import HookFailed
from fastfork.wsgi import hooks
from fastfork.wsgi.request_hooks import EndOfResponse, Request, Response, calling_pre_request
from tools.reference.hooks import render

ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "POST",
    "RAW_URI": "/a%20b?c=d",
    "QUERY_STRING": "c=d",
    "SERVER_PROTOCOL": "HTTP/1.0",
    "wsgi.url_scheme": "http",
    "REMOTE_ADDR": "10.0.0.9",
    "REMOTE_PORT": "4711",
    "HTTP_X_SHOP": "open",
    "CONTENT_TYPE": "text/plain",
}


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(logs.LOGGER, "propagate", True)
    caplog.set_level(logging.INFO, "fastfork.error")
    return caplog


def raising(*_arguments: object) -> None:
    raise RuntimeError("refused on purpose")


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_a_setting_of_config_files_only(name: str) -> None:
    spec = SETTINGS[name]
    assert (spec.flags, spec.env, spec.default) == ((), None, None)
    assert spec.kind.show(None) == "none"


@pytest.mark.parametrize("name", HOOKS)
def test_function_with_the_documented_parameters_fits(name: str) -> None:
    parameters = ", ".join(HOOKS[name].arguments)
    namespace: dict[str, Any] = {}
    exec(f"def hook({parameters}): pass", namespace)
    assert SETTINGS[name].kind.parse(namespace["hook"]) is namespace["hook"]


@pytest.mark.parametrize("name", HOOKS)
def test_function_without_parameters_is_refused_with_what_to_write(name: str) -> None:
    with pytest.raises(BadValue, match=rf"write def {name}\({', '.join(HOOKS[name].arguments)}\):"):
        SETTINGS[name].kind.parse(lambda: None)


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda worker, req: 0, 2),
        (lambda worker, req, environ: 0, 3),
        (lambda worker, req, environ, resp: 0, 4),
        (lambda *everything: 0, 4),
        (lambda worker, req, environ=None: 0, 3),
        (lambda worker: 0, None),
        (lambda a, b, c, d, e: 0, None),
    ],
)
def test_post_request_is_given_as_much_as_it_takes(
    function: Callable[..., object], count: int | None
) -> None:
    assert arity(function, HOOKS["post_request"]) == count


def test_hook_can_be_named_by_its_dotted_name() -> None:
    assert SETTINGS["on_exit"].kind.parse("logging.info") is logging.info


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("info", "'info' is no dotted name; write a function, or its dotted name"),
        ("logging.infoo", "'logging.infoo' is not there: logging has no infoo"),
        ("no_such_module.hook", r"cannot be imported \(ModuleNotFoundError: No module named"),
        (7, "7 cannot be called; write a function on_exit\\(server\\)"),
        ("sys.maxsize", "'sys.maxsize' cannot be called"),
    ],
)
def test_what_is_no_hook_is_one_clear_line(value: object, told: str) -> None:
    with pytest.raises(BadValue, match=told):
        SETTINGS["on_exit"].kind.parse(value)


def test_hook_is_shown_by_its_name() -> None:
    assert SETTINGS["on_exit"].kind.show(logging.info) == "logging.info"


def test_hook_that_is_not_set_is_not_called() -> None:
    hooks.call(Config(), "on_exit", object())
    hooks.must(Config(), "post_fork", object(), object())


def test_hook_that_raises_is_logged_by_its_name(errors: pytest.LogCaptureFixture) -> None:
    hooks.call(Config(on_exit=raising), "on_exit", object())
    assert errors.messages == ["The hook on_exit raised"]
    assert "refused on purpose" in errors.text


def test_hook_cannot_end_the_process(errors: pytest.LogCaptureFixture) -> None:
    def leave(_server: object) -> None:
        raise SystemExit(7)

    hooks.call(Config(on_exit=leave), "on_exit", object())
    assert errors.messages == ["The hook on_exit raised SystemExit(7); it is not obeyed"]
    with pytest.raises(SystemExit):
        hooks.call(Config(on_exit=leave), "on_exit", object(), passes=lambda: True)


def test_no_exception_of_a_hook_ends_the_process(errors: pytest.LogCaptureFixture) -> None:
    def interrupt(_server: object) -> None:
        raise KeyboardInterrupt

    hooks.call(Config(on_exit=interrupt), "on_exit", object())
    assert errors.messages == ["The hook on_exit raised"]


def test_hook_that_must_succeed_raises_with_the_users_traceback() -> None:
    with pytest.raises(HookFailed, match="the hook post_fork failed: RuntimeError: ") as failed:
        hooks.must(Config(post_fork=raising), "post_fork", object(), object())
    assert failed.value.exit_code == 3
    assert "in raising" in failed.value.traceback_text


def test_request_has_gunicorns_names() -> None:
    request = Request(ENVIRON)
    assert (request.method, request.uri, request.path) == ("POST", "/a%20b?c=d", "/a%20b")
    assert (request.query, request.fragment, request.version) == ("c=d", "", (1, 0))
    assert request.headers == [("X-SHOP", "open"), ("CONTENT-TYPE", "text/plain")]
    assert (request.scheme, request.remote_addr) == ("http", ("10.0.0.9", 4711))


def test_path_of_an_absolute_target_is_its_path() -> None:
    assert Request({**ENVIRON, "RAW_URI": "http://shop.test/cart?x"}).path == "/cart"


def test_application_is_not_wrapped_without_hooks() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        return []

    assert calling_pre_request(app, Config(), object()) is app


def test_both_request_hooks_get_the_same_request() -> None:
    seen: list[Any] = []
    cfg = Config(
        pre_request=lambda worker, req: seen.append((worker, req)),
        post_request=lambda worker, req, environ, resp: seen.append((worker, req, environ, resp)),
    )
    environ = dict(ENVIRON)
    app = calling_pre_request(lambda environ, start_response: [b"x"], cfg, "the worker")
    assert list(app(environ, lambda *_: lambda _: None)) == [b"x"]
    end = EndOfResponse(cfg, "the worker", lambda *_: "a line", lambda: False)
    assert end(environ, "201 Created", 5, 1, [("A", "b")]) == "a line"
    (first, second) = seen
    assert first[0] == second[0] == "the worker"
    assert first[1] is second[1]
    assert second[2] is environ
    response = second[3]
    assert isinstance(response, Response)
    assert (response.status, response.status_code) == ("201 Created", 201)
    assert (response.headers, response.sent) == ([("A", "b")], 5)


def test_refused_request_reaches_no_hook() -> None:
    cfg = Config(post_request=lambda *_: pytest.fail("called"))
    end = EndOfResponse(cfg, object(), None, lambda: False)
    assert end({"REMOTE_ADDR": "10.0.0.9"}, "400 Bad Request", 0, 1, []) == ""


def test_page_has_every_hook_once() -> None:
    for name in HOOKS:
        assert render().count(f"\n## {name}\n") == 1
