"""The table of workloads.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.apps.mib import MIB
from benchmarks.apps.plain import HELLO
from benchmarks.apps.plain import JSON as JSON_ANSWER
from benchmarks.kit.heads import BROWSER, ECHO, JSON, MIX, PAGE, PLAIN, Request

CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is sent, with which tool, and which application answers.

    tool: "wrk" keeps its connections open, "ab" makes one a request, "paced" sends `rate`
    requests a second whatever the server does, "idle" counts memory, "websocket" sends messages and
    waits for each to come back.
    connections: how many are used.  rate: of "paced" alone.
    requests: to be sent in turn, instead of `request`, which is then the first of them.
    wrk_makes_it: send wrk's own request instead of the bytes of `request`.
    expect: the body that has to come; None: any with status 200.
    floor: arguments that make floor.c move as many bytes.
    access_log: start the server with its access log on; servers without one are left out.
    message: bytes of a message, of "websocket" alone.
    tls: ask by https; the floor, which speaks none, by http.
    needs: the module that has to be installed, "" for none.
    """

    name: str
    title: str
    tool: str = "wrk"
    app: str = "benchmarks.apps.plain:hello"
    request: Request = PLAIN
    requests: tuple[Request, ...] = ()
    wrk_makes_it: bool = False
    expect: bytes | None = HELLO
    floor: tuple[str, ...] = ()
    access_log: bool = False
    tls: bool = False
    needs: str = ""
    connections: int = CONNECTIONS
    rate: int = 0
    message: int = 0


def _framework(name: str, connections: int, *, suffix: str = "") -> Workload:
    """A framework's hello; with 32 connections the row has the framework's name."""
    return Workload(
        name=f"{name}{suffix}",
        title=f"{name.capitalize()} hello" + (f", {connections} connections" if suffix else ""),
        app=f"benchmarks.apps.{name}_app:app",
        wrk_makes_it=True,
        needs=name,
        connections=connections,
    )


_ALL = (
    Workload(name="plain", title="wrk's own request, one field", wrk_makes_it=True),
    Workload(name="browser", title="a browser's GET, 15 fields and a query", request=BROWSER),
    Workload(
        name="mix",
        title="clicks, images and fetches of 50 users with their cookies",
        request=MIX[0],
        requests=MIX,
    ),
    Workload(name="connect", title="one connection a request (ab, HTTP/1.0)", tool="ab"),
    Workload(
        name="mib",
        title="an answer of 1 MiB",
        app="benchmarks.apps.mib:mib",
        expect=MIB,
        floor=(str(len(MIB)),),
    ),
    Workload(
        name="echo",
        title="a POST of 64 KiB, echoed",
        app="benchmarks.apps.plain:echo",
        request=ECHO,
        expect=ECHO.body,
        floor=(str(len(ECHO.body)), str(len(ECHO.body))),
    ),
    _framework("flask", CONNECTIONS),
    _framework("flask", 4, suffix="-4"),
    _framework("flask", 1, suffix="-1"),
    _framework("django", CONNECTIONS),
    _framework("django", 4, suffix="-4"),
    _framework("django", 1, suffix="-1"),
    Workload(
        name="django-page",
        title="a Django page: session, template, 2 ms",
        app="benchmarks.apps.django_page:app",
        request=PAGE,
        expect=None,
        needs="django",
    ),
    Workload(
        name="flask-json",
        title="JSON by Flask",
        app="benchmarks.apps.flask_app:app",
        request=JSON,
        expect=JSON_ANSWER,
        needs="flask",
    ),
    Workload(
        name="quiet",
        title="Django hello, 100 requests a second on 4 connections",
        tool="paced",
        app="benchmarks.apps.django_app:app",
        needs="django",
        connections=4,
        rate=100,
    ),
    Workload(
        name="accesslog",
        title="plain, with the access log written to a file",
        wrk_makes_it=True,
        access_log=True,
    ),
    Workload(
        name="tls", title="plain, by TLS 1.3 on kept connections", wrk_makes_it=True, tls=True
    ),
    Workload(name="idle", title="10,000 idle connections", tool="idle"),
)

WORKLOADS: Final[Mapping[str, Workload]] = MappingProxyType({one.name: one for one in _ALL})
