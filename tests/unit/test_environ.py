"""The WSGI environ: every key, with its type and value."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import fastfork
from fastfork._core.apps.filewrapper import FileWrapper
from fastfork.http import Leniency, Limits
from fastfork.wsgi.gunicorn_socket import GunicornSocket
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


class Environs:
    """An application that keeps every environ it was given."""

    def __init__(self) -> None:
        self.all: list[Environ] = []

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        self.all.append(dict(environ))
        start_response("200 OK", [])
        return [b"x"]

    @property
    def last(self) -> Environ:
        return self.all[-1]


@pytest.fixture
def app() -> Environs:
    return Environs()


@pytest.fixture
def served(serve: Serve, app: Environs, http_parser: str) -> Served:
    return serve(app, parser=http_parser)


@pytest.fixture
def client(served: Served) -> HubClient:
    return served.connect()


def ask(client: HubClient, target: str = "/", *fields: str, method: str = "GET") -> None:
    """Send one request with these field lines, and Host first if they have none."""
    if not any(field.lower().startswith("host:") for field in fields):
        fields = ("Host: h", *fields)
    lines = [f"{method} {target} HTTP/1.1", *fields, "", ""]
    client.send("\r\n".join(lines).encode("latin-1"))
    assert client.read_response(method).status == 200


def test_plain_request_has_exactly_these_keys(
    app: Environs, served: Served, client: HubClient
) -> None:
    ask(client, "/path/to?a=1&b=2", "Host: shop.example:81")
    host, port = served.listener.getsockname()
    environ = app.last
    assert environ.pop("wsgi.input").read() == b""
    assert callable(environ.pop("wsgi.early_hints"))
    assert environ.pop("fastfork.socket").fileno() > 2
    assert isinstance(environ.pop("gunicorn.socket"), GunicornSocket)
    errors = environ.pop("wsgi.errors")
    assert all(callable(getattr(errors, name)) for name in ("write", "writelines", "flush"))
    assert environ == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/path/to",
        "QUERY_STRING": "a=1&b=2",
        "RAW_URI": "/path/to?a=1&b=2",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": f"fastfork/{fastfork.__version__}",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": str(client.sock.getsockname()[1]),
        "HTTP_HOST": "shop.example:81",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input_terminated": True,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }


def test_texts_are_str_and_nothing_else(app: Environs, client: HubClient) -> None:
    ask(client, "/", "X-A: 1", "Content-Type: text/plain")
    for key, value in app.last.items():
        assert type(key) is str
        if not key.startswith(("wsgi.", "fastfork.", "gunicorn.")):
            assert type(value) is str


def test_environ_is_a_dict_of_the_request_alone(serve: Serve, http_parser: str) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        assert type(environ) is dict
        assert "mine" not in environ
        environ["mine"] = 1
        environ.pop("wsgi.version")
        environ["SERVER_NAME"] = "changed"
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app, parser=http_parser).connect()
    for _ in range(3):
        assert client.request().status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "PROPFIND", "M-SEARCH"])
def test_method_is_passed_on(app: Environs, client: HubClient, method: str) -> None:
    ask(client, method=method)
    assert app.last["REQUEST_METHOD"] == method


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/?", "/", ""),
        ("/a?b?c", "/a", "b?c"),
        ("/a/../b//c/.", "/a/../b//c/.", ""),
        ("//a//b", "//a//b", ""),
        ("/%41%7e%2F%2f", "/A~//", ""),
        ("/%C3%BC", "/\u00c3\u00bc", ""),
        ("/%FF", "/\u00ff", ""),
        ("/%zz%4", "/%zz%4", ""),
        ("/%", "/%", ""),
        ("/%2541", "/%41", ""),
        ("/a+b", "/a+b", ""),
        ("/a%3Fb", "/a?b", ""),
        ("/?%41=%C3%BC", "/", "%41=%C3%BC"),
        ("/;p=1", "/;p=1", ""),
        ("http://h/a?b", "/a", "b"),
        ("http://h", "/", ""),
        ("http://h?q", "/", "q"),
        ("HTTPS://h:1/x", "/x", ""),
        ("/" + "p" * 8000, "/" + "p" * 8000, ""),
    ],
    ids=lambda value: f"{value:.20}",
)
def test_target_is_taken_apart(
    app: Environs, client: HubClient, target: str, path: str, query: str
) -> None:
    ask(client, target)
    environ = app.last
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)
    assert environ["RAW_URI"] == target


def test_asterisk_is_for_options(app: Environs, client: HubClient) -> None:
    ask(client, "*", method="OPTIONS")
    assert (app.last["PATH_INFO"], app.last["RAW_URI"]) == ("*", "*")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://other.example/", "other.example"),
        ("http://other.example:8080/x", "other.example:8080"),
        ("http://[::1]:80", "[::1]:80"),
    ],
)
def test_authority_of_the_target_replaces_host(
    app: Environs, client: HubClient, target: str, host: str
) -> None:
    ask(client, target, "Host: front.example")
    assert app.last["HTTP_HOST"] == host


def test_http_1_0_without_host(app: Environs, client: HubClient) -> None:
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.read_response().status == 200
    assert "HTTP_HOST" not in app.last
    assert app.last["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_content_type_and_length_have_no_prefix(app: Environs, client: HubClient) -> None:
    client.request("POST", "/", [("content-TYPE", "text/plain; charset=x")], b"four")
    environ = app.last
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain; charset=x", "4")
    assert "HTTP_CONTENT_TYPE" not in environ
    assert "HTTP_CONTENT_LENGTH" not in environ


def test_field_names_become_keys(app: Environs, client: HubClient) -> None:
    ask(client, "/", "X-Some-Name: 1", "accept: 2", "ETag!#$%&'*+.^`|~9: 3")
    assert app.last["HTTP_X_SOME_NAME"] == "1"
    assert app.last["HTTP_ACCEPT"] == "2"
    assert app.last["HTTP_ETAG!#$%&'*+.^`|~9"] == "3"


def test_values_are_latin_1_and_trimmed_of_spaces_and_tabs_only(
    app: Environs, client: HubClient
) -> None:
    value = "a\tb  c" + "".join(map(chr, range(0xA0, 0x100)))
    ask(client, "/", f"X-A: \t {value} \t", "X-Empty:", "X-NBSP: \u00a0x\u00a0", "X-NEL:\u0085")
    environ = app.last
    assert environ["HTTP_X_A"] == value
    assert environ["HTTP_X_EMPTY"] == ""
    assert environ["HTTP_X_NBSP"] == "\u00a0x\u00a0"
    assert environ["HTTP_X_NEL"] == "\u0085"


@pytest.mark.parametrize(
    ("lines", "key", "value"),
    [
        (["X-A: 1", "X-A: 2"], "HTTP_X_A", "1,2"),
        (["X-A: 1", "x-a: 1", "X-a: 1"], "HTTP_X_A", "1,1,1"),
        (["X-A: 1", "X-B: 1", "X-A: 2"], "HTTP_X_A", "1,2"),
        (["X-A:", "X-A:"], "HTTP_X_A", ","),
        (["Accept: a, b", "Accept: c"], "HTTP_ACCEPT", "a, b,c"),
        (["Cookie: a=1", "Cookie: b=2"], "HTTP_COOKIE", "a=1; b=2"),
        (["cookie: a=1", "COOKIE: a=1"], "HTTP_COOKIE", "a=1; a=1"),
        (["Authorization: x", "Authorization: x"], "HTTP_AUTHORIZATION", "x,x"),
    ],
)
def test_repeated_fields_are_joined_in_order(
    app: Environs, client: HubClient, lines: list[str], key: str, value: str
) -> None:
    for _ in range(2):
        ask(client, "/", *lines)
        assert app.last[key] == value


@pytest.mark.parametrize("name", ["X_A", "Content_Length", "HOST_", "_", "X-A_B"])
def test_name_with_an_underscore_is_dropped_and_logged_once(
    app: Environs, served: Served, client: HubClient, name: str
) -> None:
    for _ in range(3):
        ask(client, "/", "X-A: real", f"{name}: forged")
        assert app.last["HTTP_X_A"] == "real"
        assert "forged" not in app.last.values()
    assert served.dropped == [name]


def test_dropped_names_do_not_fill_the_log(served: Served, client: HubClient) -> None:
    for start in range(0, 500, 50):
        ask(client, "/", *(f"x_{number}: 1" for number in range(start, start + 50)))
    assert len(served.dropped) == 100


@pytest.mark.parametrize("name", ["Proxy", "proxy", "PROXY"])
def test_proxy_is_dropped(app: Environs, client: HubClient, name: str) -> None:
    """httpoxy: it would look like the HTTP_PROXY of the process environment."""
    ask(client, "/", f"{name}: http://evil.example", "Proxy-Connection: x")
    assert "HTTP_PROXY" not in app.last
    assert app.last["HTTP_PROXY_CONNECTION"] == "x"


def test_no_field_reaches_a_key_of_the_server(app: Environs, client: HubClient) -> None:
    ask(client, "/", "Remote-Addr: 6.6.6.6", "wsgi.url_scheme: https", "Script-Name: /x")
    environ = app.last
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["HTTP_REMOTE_ADDR"] == "6.6.6.6"
    assert (environ["wsgi.url_scheme"], environ["SCRIPT_NAME"]) == ("http", "")


def test_values_do_not_leak_into_the_next_request(app: Environs, client: HubClient) -> None:
    ask(client, "/a?q", "X-A: 1", "Authorization: secret", "Content-Type: a/b")
    ask(client, "/", "X-A: 2")
    environ = app.last
    assert environ["HTTP_X_A"] == "2"
    assert not {"HTTP_AUTHORIZATION", "CONTENT_TYPE"} & environ.keys()
    assert environ["QUERY_STRING"] == ""


def test_thousand_names_are_told_apart(app: Environs, client: HubClient) -> None:
    for start in range(0, 1000, 50):
        names = [f"X-Name-{number}" for number in range(start, start + 50)]
        ask(client, "/", *(f"{name}: {name.lower()}" for name in names))
        for name in names:
            assert app.last["HTTP_" + name.upper().replace("-", "_")] == name.lower()


@pytest.mark.parametrize("size", [1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 4000])
def test_names_and_values_of_any_length(app: Environs, client: HubClient, size: int) -> None:
    for letter in "ab":
        ask(client, "/", f"{'n' * size}: {letter * size}", f"{'n' * size}: {letter * size}")
        assert app.last["HTTP_" + "N" * size] == f"{letter * size},{letter * size}"


def test_errors_are_written_to_the_error_log(
    serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        print("printed", file=environ["wsgi.errors"])
        environ["wsgi.errors"].writelines(["one ", "two\n"])
        environ["wsgi.errors"].flush()
        start_response("200 OK", [])
        return [b"x"]

    assert serve(app).connect().request().status == 200
    assert capfd.readouterr().err == "printed\none two\n"


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        ("shop.example", "shop.example", "80"),
        ("shop.example:81", "shop.example", "81"),
        ("[::1]", "[::1]", "80"),
        ("[::1]:8080", "[::1]", "8080"),
        ("127.0.0.1:1", "127.0.0.1", "1"),
    ],
)
def test_unix_socket_has_the_name_that_the_client_says(
    serve: Serve, app: Environs, http_parser: str, host: str, name: str, port: str
) -> None:
    served = serve(app, parser=http_parser, family=socket.AF_UNIX)
    ask(served.connect(), "/", f"Host: {host}")
    assert (app.last["SERVER_NAME"], app.last["SERVER_PORT"]) == (name, port)
    assert app.last["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in app.last


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1\r\nHost:\r\n", b"GET / HTTP/1.1\r\nHost: :80\r\n"],
)
def test_unix_socket_without_a_host_has_a_name_nevertheless(
    serve: Serve, app: Environs, head: bytes
) -> None:
    client = serve(app, family=socket.AF_UNIX).connect()
    client.send(head + b"\r\n")
    assert client.read_response().status == 200
    assert (app.last["SERVER_NAME"], app.last["SERVER_PORT"]) == ("localhost", "80")


def test_environ_outlives_its_request(app: Environs, client: HubClient) -> None:
    ask(client, "/first", "X-A: first")
    kept = app.last
    for _ in range(5):
        ask(client, "/other", "X-A: other")
    assert (kept["PATH_INFO"], kept["HTTP_X_A"]) == ("/first", "first")
    assert isinstance(kept["wsgi.input"].read(), bytes)
    assert isinstance(io.BytesIO(kept["wsgi.input"].read()), io.BytesIO)


def test_dangerous_underscores_pass_for_dashes(
    serve: Serve, app: Environs, http_parser: str
) -> None:
    served = serve(app, parser=http_parser, leniency=Leniency(header_map="dangerous"))
    ask(served.connect(), "/", "X_A: 1", "X-A: 2", "Content_Length: 7")
    assert app.last["HTTP_X_A"] == "1,2"
    assert app.last["HTTP_CONTENT_LENGTH"] == "7"
    assert "CONTENT_LENGTH" not in app.last
    assert not served.dropped


def test_casefolded_method_is_upper_case_and_head_has_no_body(
    serve: Serve, app: Environs, http_parser: str
) -> None:
    served = serve(app, parser=http_parser, leniency=Leniency(casefold_http_method=True))
    client = served.connect()
    client.send(b"head / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.read_response("HEAD").body == b""
    assert app.last["REQUEST_METHOD"] == "HEAD"
    ask(client, method="get")
    assert app.last["REQUEST_METHOD"] == "GET"


def test_folded_values_come_on_one_line(serve: Serve, app: Environs, http_parser: str) -> None:
    lenient = Leniency(permit_obsolete_folding=True, strip_header_spaces=True)
    client = serve(app, parser=http_parser, leniency=lenient).connect()
    ask(client, "/", "X-A: b", "  c", "X-Very-Long" + "-x" * 30 + ": d\xe9", "\te", "X-B : f")
    assert app.last["HTTP_X_A"] == "b c"
    assert app.last["HTTP_X_VERY_LONG" + "_X" * 30] == "d\xe9 e"
    assert app.last["HTTP_X_B"] == "f"


def test_field_that_comes_in_drops_may_fold(serve: Serve, app: Environs, http_parser: str) -> None:
    lenient = Leniency(permit_obsolete_folding=True)
    client = serve(app, parser=http_parser, leniency=lenient).connect()
    client.send_byte_by_byte(b"GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n d\r\nX-B: e\r\n\r\n")
    assert client.read_response().status == 200
    assert (app.last["HTTP_X_A"], app.last["HTTP_X_B"]) == ("b c d", "e")


def test_field_that_comes_a_thousand_times_is_joined_in_order(
    serve: Serve, app: Environs, http_parser: str
) -> None:
    client = serve(app, parser=http_parser, limits=Limits(fields=0)).connect()
    ask(client, "/", *[f"X-A: {n}" for n in range(1000)], "Cookie: a", "X-B: 1", "Cookie: b")
    assert app.last["HTTP_X_A"] == ",".join(map(str, range(1000)))
    assert (app.last["HTTP_COOKIE"], app.last["HTTP_X_B"]) == ("a; b", "1")
    ask(client)
    assert "HTTP_X_A" not in app.last
