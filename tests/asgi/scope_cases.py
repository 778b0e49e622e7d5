"""What is in the scope of a request.

Runs in: cli
"""

from __future__ import annotations

from typing import Any

from tests.asgi.case import Group
from tests.asgi.stage import Stage, value_of

group = Group("scope")
rule, wish = group.rule, group.wish


def scope_of(stage: Stage, target: str = "scope", *lines: str, **more: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.value(target, *lines, **more)  # type: ignore[arg-type]
    return found


def raw_scope(stage: Stage, raw: bytes) -> dict[str, Any]:
    """The scope of the request that these bytes are."""
    client = stage.connect()
    client.send(raw)
    found: dict[str, Any] = value_of(client.read_response())
    return found


@rule
def scope_is_a_dict(stage: Stage) -> None:
    """asgi: `scope` must be a `dict`."""
    assert scope_of(stage)["class"] == "dict"


@rule
def type_is_http(stage: Stage) -> None:
    """www: `type` (Unicode string) -- "http"."""
    assert scope_of(stage)["type"] == "http"


@rule
def version_of_asgi_is_3(stage: Stage) -> None:
    """asgi: The key scope["asgi"] will also be present as a dictionary containing a
    scope["asgi"]["version"] key that corresponds to the ASGI version the server implements."""
    assert scope_of(stage)["asgi"]["version"] == "3.0"


@rule
def spec_version_is_one_that_there_is(stage: Stage) -> None:
    """www: Version of the ASGI HTTP spec this server understands; Optional; if missing assume
    "2.0"."""
    version = scope_of(stage)["asgi"].get("spec_version", "2.0")
    assert version in ("2.0", "2.1", "2.2", "2.3", "2.4", "2.5")


@wish
def spec_version_is_2_5(stage: Stage) -> None:
    """Starlette streams without a task group and a listener from 2.4 on (uvicorn 2271)."""
    assert scope_of(stage)["asgi"]["spec_version"] == "2.5"


@rule
def http_version_is_1_1(stage: Stage) -> None:
    """www: `http_version` (Unicode string) -- One of "1.0", "1.1" or "2"."""
    assert scope_of(stage)["http_version"] == "1.1"


@rule
def http_version_is_1_0(stage: Stage) -> None:
    """www: `http_version` (Unicode string) -- One of "1.0", "1.1" or "2"."""
    client = stage.connect()
    client.send(b"GET /scope HTTP/1.0\r\nHost: test\r\n\r\n")
    answer = client.read_to_end()
    assert b"'http_version': '1.0'" in answer, answer


@rule
def method_is_a_str(stage: Stage) -> None:
    """www: `method` (Unicode string) -- The HTTP method name, uppercased."""
    for method in ("GET", "PATCH", "DELETE", "OPTIONS", "PROPFIND"):
        assert scope_of(stage, method=method)["method"] == method


@rule
def scheme_is_http(stage: Stage) -> None:
    """www: `scheme` Optional (but must not be empty); default is "http"."""
    assert scope_of(stage).get("scheme", "http") == "http"


@rule
def path_has_no_query(stage: Stage) -> None:
    """www: `path` -- HTTP request target excluding any query string."""
    found = scope_of(stage, "scope/a?b=/c")
    assert found["path"] == "/scope/a"


@rule
def path_is_decoded(stage: Stage) -> None:
    """www: `path` -- with percent-encoded sequences and UTF-8 byte sequences decoded into
    characters."""
    assert scope_of(stage, "scope/caf%C3%A9%20%e2%82%ac%2B+")["path"] == "/scope/café €++"


@rule
def path_is_decoded_once(stage: Stage) -> None:
    """www: `path` -- with percent-encoded sequences decoded into characters."""
    assert scope_of(stage, "scope/%2541%252F")["path"] == "/scope/%41%2F"


@rule
def path_with_an_encoded_slash_is_decoded(stage: Stage) -> None:
    """www: `path` -- with percent-encoded sequences decoded; `raw_path` -- unmodified."""
    found = scope_of(stage, "scope/a%2Fb")
    assert found["path"] == "/scope/a/b"
    assert found.get("raw_path", b"/scope/a%2Fb") == b"/scope/a%2Fb"


@rule
def raw_path_is_as_received(stage: Stage) -> None:
    """www: `raw_path` (byte string) -- unmodified from the bytes that were received by the web
    server.  Optional."""
    path = b"/scope/%7Ea/%e2%82%AC/./b//c;d=1,2"
    found = raw_scope(stage, b"GET " + path + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    assert found.get("raw_path", path) == path


@rule
def raw_path_has_no_query(stage: Stage) -> None:
    """www: `raw_path` -- The original HTTP path component, excluding any query string."""
    assert scope_of(stage, "scope?a=b").get("raw_path", b"/scope") == b"/scope"


@wish
def raw_path_is_there(stage: Stage) -> None:
    """www: Some web server implementations may be unable to provide this."""
    assert scope_of(stage)["raw_path"] == b"/scope"


@rule
def query_is_bytes_that_are_not_decoded(stage: Stage) -> None:
    """www: `query_string` (byte string) -- URL portion after the `?`, percent-encoded."""
    found = scope_of(stage, "scope?a=%C3%A9&b=c+d%26?e")
    assert found["query_string"] == b"a=%C3%A9&b=c+d%26?e"


@rule
def query_that_is_not_there_is_empty(stage: Stage) -> None:
    """www: `query_string` (byte string); for HTTP it is not optional."""
    assert scope_of(stage, "scope")["query_string"] == b""
    assert scope_of(stage, "scope?")["query_string"] == b""


@rule
def target_in_absolute_form_gives_its_path(stage: Stage) -> None:
    """RFC 9112 section 3.2.2: a server MUST accept the absolute-form in requests.  www: `path` --
    HTTP request target excluding any query string, of which it is the path."""
    found = raw_scope(stage, b"GET http://test/scope/a?b HTTP/1.1\r\nHost: test\r\n\r\n")
    assert (found["path"], found["query_string"]) == ("/scope/a", b"b")


@rule
def path_that_is_no_utf_8_breaks_nothing(stage: Stage) -> None:
    """RFC 9110 section 15.6.1: 500 says that the server met an unexpected condition; bytes of a
    client's are none."""
    client = stage.send("scope/%FF%C3/a")
    assert client.read_response().status in (200, 400, 404)
    assert stage.ask("quick").status == 200


@rule
def root_path_is_empty(stage: Stage) -> None:
    """www: `root_path` (Unicode string) Optional; if missing defaults to ""."""
    assert scope_of(stage).get("root_path", "") == ""


@rule
def root_path_is_what_was_set(stage: Stage) -> None:
    """www: `root_path` -- The root path this application is mounted at; same as SCRIPT_NAME in
    WSGI."""
    other = stage.on(stage.start(root_path="/mount"))
    assert other.value("mount/scope")["root_path"] == "/mount"


@rule
def header_names_and_values_are_bytes(stage: Stage) -> None:
    """www: `headers` (Iterable[[byte string, byte string]])."""
    found = scope_of(stage, "scope", "X-One: 1")
    assert all(type(part) is bytes for pair in found["headers"] for part in pair)
    assert all(len(pair) == 2 for pair in found["headers"])


@wish
def header_names_are_lower_case(stage: Stage) -> None:
    """www: Header names should be lowercased, but it is not required.  Frameworks look for lower
    case alone."""
    found = scope_of(stage, "scope", "X-UPPER-Case: Value")
    assert (b"x-upper-case", b"Value") in found["headers"]


@rule
def header_values_are_the_bytes_that_were_sent(stage: Stage) -> None:
    """www: `headers`: These are byte strings of the exact byte sequences sent by the client."""
    raw = b'GET /scope HTTP/1.1\r\nHost: test\r\nX-One: caf\xe9 \xe2\x82\xac, "a"\tb\r\n\r\n'
    found = {name.lower(): value for name, value in raw_scope(stage, raw)["headers"]}
    assert found[b"x-one"] == b'caf\xe9 \xe2\x82\xac, "a"\tb'


@rule
def space_around_a_header_value_is_no_part_of_it(stage: Stage) -> None:
    """RFC 9110 section 5.5: a field parsing implementation MUST exclude such whitespace from the
    field value prior to evaluating it."""
    raw = b"GET /scope HTTP/1.1\r\nHost: test\r\nX-One: \t a b \t\r\nX-Two:\r\n\r\n"
    found = {name.lower(): value for name, value in raw_scope(stage, raw)["headers"]}
    assert (found[b"x-one"], found[b"x-two"]) == (b"a b", b"")


@rule
def repeated_headers_keep_their_number_and_order(stage: Stage) -> None:
    """www: Order of header values must be preserved from the original HTTP request; Duplicates are
    possible and must be preserved in the message as received."""
    found = scope_of(stage, "scope", "X-A: 1", "X-B: 2", "X-A: 3", "x-a: 1")
    assert [value for name, value in found["headers"] if name.lower() == b"x-a"] == [
        b"1", b"3", b"1",
    ]  # fmt: skip


@rule
def client_is_who_is_connected(stage: Stage) -> None:
    """www: `client` (Iterable[Unicode string, int]) -- `host` is the remote host's IPv4 or IPv6
    address, and `port` is the remote port as an integer."""
    client = stage.send("scope")
    found = value_of(client.read_response())
    assert found["client"] == client.sock.getsockname()[:2]


@rule
def server_is_where_it_listens(stage: Stage) -> None:
    """www: `server` (Iterable[Unicode string, Optional[int]]) -- `host` is the listening address
    for this server, and `port` is the integer listening port."""
    client = stage.send("scope")
    found = value_of(client.read_response())
    assert found["server"] == client.sock.getpeername()[:2]


@rule
def client_and_server_of_a_unix_socket(stage: Stage) -> None:
    """www: `client` Optional; if missing defaults to None.  `server` -- or [path, None] where
    `path` is that of the unix socket."""
    other = stage.on(stage.start(bind="unix"))
    found = scope_of(other)
    assert found["client"] is None
    assert found["server"] in (None, (other.endpoint, None))


@rule
def extensions_are_dicts(stage: Stage) -> None:
    """asgi: it should place an entry into the `extensions` dictionary under the extension's name,
    and the value of that entry should itself be a `dict`."""
    assert all(type(more) is dict for more in scope_of(stage)["extensions"].values())


@wish
def extensions_are_all_that_http_1_can_have(stage: Stage) -> None:
    """extensions: pathsend, zerocopysend, trailers and early_hint need no HTTP/2."""
    found = scope_of(stage)["extensions"]
    names = ("pathsend", "zerocopysend", "trailers", "early_hint")
    assert set(found) >= {f"http.response.{name}" for name in names}
    assert "http.response.debug" not in found
    assert "http.response.push" not in found


@rule
def scope_is_a_new_one_for_each_request(stage: Stage) -> None:
    """www: HTTP connections have a single-request connection scope, even if the underlying socket
    is still open and serving multiple requests."""
    client = stage.connect()
    for _ in range(3):
        client.send(stage.head("leave_a_mark"))
        assert value_of(client.read_response()) == (False, False)


@rule
def state_is_a_shallow_copy_of_the_lifespans(stage: Stage) -> None:
    """lifespan: The server will ensure that a shallow copy of the namespace is passed into each
    subsequent request/response call into the application."""
    seen = [stage.value("state") for _ in range(3)]
    first = seen[0][2]
    assert seen == [("dict", 1, first), ("dict", 1, first + 1), ("dict", 1, first + 2)]
