"""Agents that watch applications, the real ones: run where they are installed.

    pip install newrelic opentelemetry-sdk opentelemetry-instrumentation-wsgi elastic-apm

They are not in the extra `test`: tests/unit/test_agents.py has a stand-in for what is ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.programs import library
from tests.kit.server import RunningServer, environment

WORKERS = [(), ("--threads", "4"), ("-k", "gevent"), ("--preload",)]
NAMES = ["one thread", "threads", "gevent", "preload"]


@pytest.fixture(params=WORKERS, ids=NAMES)
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if "gevent" in request.param:
        library("gevent")
    return tuple(request.param)


def serve(
    start_server: Starter, folder: Path, text: str, *options: str, **env: str
) -> RunningServer:
    (folder / "watched.py").write_text(text)
    paths = [*env.pop("first", "").split(), str(folder), environment({})["PYTHONPATH"]]
    return start_server("watched:app", *options, env={"PYTHONPATH": ":".join(paths), **env})


NEWRELIC = """
def app(environ, start_response):
    import newrelic.agent
    body = b"transaction" if newrelic.agent.current_transaction() else b"nothing"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.mark.parametrize("developer_mode", ["true", "false"])
def test_new_relic_reports_an_application_without_a_framework(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], developer_mode: str
) -> None:
    """Started as newrelic-admin does, in the mode in which it talks to nobody."""
    newrelic = library("newrelic", in_extra=False)
    server = serve(
        start_server,
        tmp_path,
        NEWRELIC,
        *options,
        first=str(Path(newrelic.origin or "").parent / "bootstrap"),
        NEW_RELIC_ADMIN_COMMAND="['run-program']",
        NEW_RELIC_PYTHON_PREFIX=sys.prefix,
        NEW_RELIC_PYTHON_VERSION=".".join(map(str, sys.version_info[:2])),
        NEW_RELIC_DEVELOPER_MODE=developer_mode,
        NEW_RELIC_MONITOR_MODE="false",
        NEW_RELIC_LICENSE_KEY="0" * 40,
        NEW_RELIC_STARTUP_TIMEOUT="5",
    )
    assert server.get("/").text == ("transaction" if developer_mode == "true" else "nothing")


OPENTELEMETRY = """
import os, sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

class Telling(SpanExporter):
    def export(self, spans):
        print("spans of", os.getpid(), len(spans), file=sys.stderr, flush=True)
        return SpanExportResult.SUCCESS

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Telling(), schedule_delay_millis=100))

def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""

WRAPS = """
def post_worker_init(worker):
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
    from watched import provider
    worker.wsgi = OpenTelemetryMiddleware(worker.wsgi, tracer_provider=provider)
"""


def test_threads_of_opentelemetry_run_in_workers_of_a_template(
    start_server: Starter, tmp_path: Path
) -> None:
    library("opentelemetry.sdk", in_extra=False)
    library("opentelemetry.instrumentation.wsgi", in_extra=False)
    (tmp_path / "watched.py").write_text(OPENTELEMETRY)
    paths = [str(tmp_path), environment({})["PYTHONPATH"]]
    server = start_server(
        "watched:app", "--preload", config=WRAPS, env={"PYTHONPATH": ":".join(paths)}
    )
    server.log.wait_for("OpenTelemetry's and Elastic's do; else start them in post_fork")
    assert server.get("/").status == 200
    server.log.wait_for(f"spans of {server.worker_pids()[0]} 1")


ELASTIC = """
import threading
import elasticapm

client = elasticapm.Client(
    service_name="shop", server_url="http://127.0.0.1:1", central_config=False
)
client.begin_transaction("import")
client.end_transaction("import", "ok")

def app(environ, start_response):
    client.begin_transaction("request")
    client.end_transaction("GET", "200")
    body = ",".join(thread.name for thread in threading.enumerate()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def test_threads_of_elastic_run_in_workers_of_a_template(
    start_server: Starter, tmp_path: Path
) -> None:
    library("elasticapm", in_extra=False)
    server = serve(start_server, tmp_path, ELASTIC, "--preload")
    assert "eapm event processor thread" in server.get("/").text
