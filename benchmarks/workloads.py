"""The table of workloads.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks import apps
from benchmarks.heads import BROWSER, ECHO, PLAIN, Request

CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is sent, with which tool, and which application answers.

    tool: "wrk" keeps its connections open, "ab" makes one a request, "idle" counts memory.
    wrk_makes_it: send wrk's own request instead of the bytes of `request`.
    floor: arguments that make floor.c move as many bytes.
    access_log: start the server with its access log on; servers without one are left out.
    tls: ask by https; the floor, which speaks none, by http.
    needs: the module that has to be installed, "" for none.
    """

    name: str
    title: str
    tool: str = "wrk"
    app: str = "benchmarks.apps:hello"
    request: Request = PLAIN
    wrk_makes_it: bool = False
    expect: bytes = apps.HELLO
    floor: tuple[str, ...] = ()
    access_log: bool = False
    tls: bool = False
    needs: str = ""


_ALL = (
    Workload(name="plain", title="wrk's own request, one field", wrk_makes_it=True),
    Workload(name="browser", title="a browser's GET, 15 fields and a query", request=BROWSER),
    Workload(name="connect", title="one connection a request (ab, HTTP/1.0)", tool="ab"),
    Workload(
        name="mib",
        title="an answer of 1 MiB",
        app="benchmarks.apps:mib",
        expect=apps.MIB,
        floor=(str(len(apps.MIB)),),
    ),
    Workload(
        name="echo",
        title="a POST of 64 KiB, echoed",
        app="benchmarks.apps:echo",
        request=ECHO,
        expect=ECHO.body,
        floor=(str(len(ECHO.body)), str(len(ECHO.body))),
    ),
    Workload(
        name="flask",
        title="Flask hello",
        app="benchmarks.flask_app:app",
        wrk_makes_it=True,
        needs="flask",
    ),
    Workload(
        name="django",
        title="Django hello",
        app="benchmarks.django_app:app",
        wrk_makes_it=True,
        needs="django",
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
