"""What a running server tells at `admin_bind`."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from fastfork.metrics.families import METRICS
from tests.conftest import Starter
from tests.kit import processes
from tests.kit.admin import ADMIN, admin_pid, ask, endpoint, facts, samples
from tests.kit.client import RawClient
from tests.kit.programs import library, program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

RULES = Path(__file__).resolve().parents[2] / "docs/how-to/monitoring/prometheus-rules.yml"
LIVE_SECONDS = 0.05  # what the answer to a probe may take, however busy the workers are


def hold(server: RunningServer, count: int, target: str = "/hold") -> list[RawClient]:
    """So many requests that do not end before `let_go`; in the application when it returns."""
    clients = [server.connect(timeout=30) for _ in range(count)]
    for client in clients:
        client.send_request("GET", target)
    where = endpoint(server)
    wait_until(
        lambda: sum(len(w["serving"]) for w in facts(where)["workers"]) == count,
        lambda: f"{count} requests in the application: {facts(where)['workers']}",
    )
    return clients


def let_go(server: RunningServer, clients: list[RawClient]) -> None:
    (server.files / "go").touch()
    assert [client.read_response().status for client in clients] == [200] * len(clients)


@pytest.mark.parametrize("target", ["/livez", "/readyz"])
def test_probe_is_answered_at_once_while_every_worker_is_busy(
    start_server: Starter, target: str
) -> None:
    server = start_server("held:app", *ADMIN, workers=2)
    where = endpoint(server)
    clients = hold(server, 2)
    times = []
    for _ in range(20):
        began = time.monotonic()
        assert ask(where, target).status == 200
        times.append(time.monotonic() - began)
    # The least of them: this machine may be busy, the process that answers is not.
    assert min(times) < LIVE_SECONDS
    let_go(server, clients)


def test_metrics_are_text_that_prometheus_parses_and_are_those_of_the_table(
    start_server: Starter,
) -> None:
    library("prometheus_client")
    from prometheus_client.parser import text_string_to_metric_families

    server = start_server("held:app", *ADMIN)
    server.get("/")
    answer = ask(endpoint(server), "/metrics")
    assert (answer.get("Content-Type") or "").startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    named = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert families.keys() == named.keys()
    for name, family in families.items():
        assert (family.type, family.documentation) == (named[name].kind, named[name].help)
        assert family.samples


def test_promtool_has_nothing_to_say_of_the_metrics_and_the_alert_rules(
    start_server: Starter,
) -> None:
    library("prometheus_client")
    promtool = program("promtool")
    server = start_server("held:app", *ADMIN, workers=2)
    for target in ("/", "/missing"):
        server.get(target)
    text = ask(endpoint(server), "/metrics").text
    for words, given in (("metrics", text), (f"rules {RULES}", "")):
        ran = subprocess.run(
            [promtool, "check", *words.split()], input=given, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr + ran.stdout
        assert not ran.stderr, ran.stderr


def test_openmetrics_is_given_to_who_asks_for_it(start_server: Starter) -> None:
    library("prometheus_client")
    where = endpoint(start_server("held:app", *ADMIN))
    kind = "application/openmetrics-text; version=1.0.0"
    with RawClient(where) as client:
        answer = client.request("GET", "/metrics", [("Accept", kind)])
    assert (answer.get("Content-Type") or "").startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_requests_are_counted_by_class_and_timed(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, workers=2)
    for target in ("/", "/", "/moved", "/missing", "/fail"):
        server.get(target)
    server.expect_alarm("failed on purpose")
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read_response().status == 400
    found = samples(endpoint(server))
    by_class = {
        name: found[f'fastfork_requests_total{{status="{name}"}}']
        for name in ("none", "2xx", "3xx", "4xx", "5xx")
    }
    assert by_class == {"none": 0, "2xx": 2, "3xx": 1, "4xx": 2, "5xx": 1}
    assert found["fastfork_requests_refused_total"] == 1
    for name in ("fastfork_request_duration_seconds", "fastfork_queue_wait_seconds"):
        assert found[f'{name}_bucket{{le="+Inf"}}'] == found[f"{name}_count"] >= 5
    assert found["fastfork_received_bytes_total"] > 100
    assert found["fastfork_sent_bytes_total"] > 500


def test_busy_threads_and_running_requests_are_shown_without_their_queries(
    start_server: Starter,
) -> None:
    server = start_server("held:app", *ADMIN, "--threads", "3")
    where = endpoint(server)
    clients = hold(server, 2, "/hold?token=secret")
    found = samples(where)
    assert found['fastfork_threads{state="busy"}'] == 2
    assert found['fastfork_threads{state="free"}'] == 1
    assert found["fastfork_requests_in_flight"] == 2
    assert found["fastfork_oldest_request_seconds"] > 0
    for target in ("/", "/status.json"):
        text = ask(where, target).text
        assert "GET /hold?... HTTP/1.1" in text
        assert "secret" not in text
    let_go(server, clients)
    wait_until(lambda: samples(where)["fastfork_requests_in_flight"] == 0, "nothing in flight")


def test_request_that_is_turned_away_does_not_take_the_place_of_one_that_runs(
    start_server: Starter,
) -> None:
    server = start_server("held:app", *ADMIN, "--threads", "1", "--queue-timeout", "0.2")
    where = endpoint(server)
    late = server.connect(timeout=30)  # known to the worker: new ones stay in the accept queue
    assert late.request("GET", "/").status == 200
    clients = hold(server, 1, "/hold?token=secret")
    assert late.request("GET", "/late").status == 503
    for target in ("/", "/status.json"):
        text = ask(where, target).text
        assert "GET /hold?... HTTP/1.1" in text
    let_go(server, clients)


def test_request_that_waits_for_a_thread_has_waited(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, "--threads", "2")
    where = endpoint(server)
    late = server.connect(timeout=30)  # known to the worker: new ones stay in the accept queue
    assert late.request("GET", "/").status == 200
    clients = hold(server, 2)
    late.send_request("GET", "/")
    late.expect_silence(0.3)
    let_go(server, clients)
    assert late.read_response().status == 200
    assert samples(where)["fastfork_queue_wait_seconds_sum"] > 0.2


def test_time_that_a_client_takes_to_send_its_request_is_no_wait_for_a_thread(
    start_server: Starter,
) -> None:
    server = start_server("held:app", *ADMIN, "--threads", "2")
    late = server.connect(timeout=30)
    assert late.request("GET", "/").status == 200
    clients = hold(server, 2)
    began = time.monotonic()
    late.send(b"GET / HT")  # put in line, as nobody can read it
    late.expect_silence(0.1)
    let_go(server, clients)
    waited = time.monotonic() - began
    late.expect_silence(1.0)
    late.send(b"TP/1.1\r\nHost: h\r\n\r\n")
    assert late.read_response().status == 200
    found = samples(endpoint(server))["fastfork_queue_wait_seconds_sum"]
    assert found < waited + 0.5  # and not the second that the client took


def test_connections_are_idle_or_active(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, "--keep-alive", "60")
    idle = [server.connect() for _ in range(3)]
    for client in idle:
        assert client.request("GET", "/").status == 200
    clients = hold(server, 1)
    found = samples(endpoint(server))
    # The one thread is busy with a connection that has just come.
    assert found['fastfork_connections{state="active"}'] == 1
    assert found['fastfork_connections{state="idle"}'] == 3
    let_go(server, clients)


def test_connections_that_nobody_accepts_are_seen_in_the_queue(start_server: Starter) -> None:
    server = start_server(
        "held:app", *ADMIN, "--backlog", "64", "--worker-connections", "1", "--threads", "1"
    )
    clients = hold(server, 1)
    waiting = [server.connect() for _ in range(5)]
    where = endpoint(server)
    wait_until(
        lambda: samples(where)["fastfork_accept_queue_connections"] >= 4,
        lambda: f"waiting connections: {facts(where)['accept_queue']}",
    )
    assert samples(where)["fastfork_accept_queue_limit"] == 64
    for client in waiting:
        client.close()
    let_go(server, clients)


def test_totals_do_not_fall_when_workers_are_replaced(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, workers=2)
    where = endpoint(server)
    for _ in range(10):
        server.get("/")
    before = facts(where)
    server.signal("reload")
    wait_until(
        lambda: len(facts(where)["ends"]) == 2 and len(facts(where)["workers"]) == 2,
        "both workers are replaced",
    )
    after = facts(where)
    assert after["requests"]["2xx"] == before["requests"]["2xx"] == 10
    assert after["bytes"]["sent"] >= before["bytes"]["sent"] > 0
    assert {end["reason"] for end in after["ends"]} == {"reload"}
    assert samples(where)["fastfork_reloads_total"] == 1


def test_workers_that_end_are_counted_by_reason_and_listed(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, "--max-requests", "3", "--timeout", "1")
    where = endpoint(server)
    for _ in range(3):
        server.get("/")
    wait_until(lambda: facts(where)["ends"], "the worker that has served enough is replaced")
    with server.connect() as client:
        client.send_request("GET", "/die?password=1")
        wait_until(lambda: len(facts(where)["ends"]) == 2, "the one that died is listed")
    wait_until(lambda: facts(where)["workers"], "there is another worker")
    with server.connect(timeout=30) as client:
        client.send_request("GET", "/hold")
        wait_until(lambda: len(facts(where)["ends"]) == 3, "the silent one is listed")
    ends = facts(where)["ends"]
    assert [end["reason"] for end in ends] == ["timeout", "crash", "spent"]
    found = samples(where)
    for reason in ("timeout", "crash", "spent"):
        assert found[f'fastfork_worker_ends_total{{reason="{reason}"}}'] == 1
    page = ask(where, "/").text
    assert "GET /die" in page
    assert "password" not in page
    server.expect_alarm("most recent call last")


def test_server_without_a_worker_is_alive_and_not_ready(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN)
    where = endpoint(server)
    server.signal("WINCH")
    wait_until(lambda: ask(where, "/readyz").status == 503, "not ready any more")
    assert ask(where, "/livez").status == 200
    assert ask(where, "/readyz").text == "ready, 0 workers serve\n"
    server.signal("reload")
    wait_until(lambda: ask(where, "/readyz").status == 200, "ready again")


def test_server_that_drains_serves_and_says_that_it_is_not_ready(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, "--drain-delay", "30")
    where = endpoint(server)
    server.signal("stop")
    wait_until(lambda: ask(where, "/readyz").status == 503, "not ready any more")
    assert server.get("/").status == 200
    assert samples(where)["fastfork_draining"] == 1
    server.signal("quit")  # do not wait for the delay
    assert server.wait_exit() == 0


def test_admin_process_that_dies_is_replaced_and_serves_the_same_address(
    start_server: Starter,
) -> None:
    server = start_server("held:app", *ADMIN)
    where = endpoint(server)
    first = admin_pid(server)
    os.kill(first, signal.SIGKILL)
    server.log.wait_for("admin process was killed")
    assert ask(where, "/livez").status == 200  # waits in the queue meanwhile
    assert admin_pid(server) != first


def test_admin_process_that_hangs_is_replaced(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN)
    where = endpoint(server)
    first = admin_pid(server)
    os.kill(first, signal.SIGSTOP)
    server.log.wait_for(f"The admin process (pid: {first}) was silent for")
    with RawClient(where, timeout=30) as client:
        assert client.request("GET", "/livez").status == 200
    assert admin_pid(server) != first
    assert server.log.text().count("admin process (pid") == 1


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "USR1", "USR2", "WINCH"])
def test_admin_process_does_not_mind_a_signal_for_the_group(
    start_server: Starter, name: str
) -> None:
    server = start_server("held:app", *ADMIN)
    pid = admin_pid(server)
    os.kill(pid, signal.Signals[f"SIG{name}"])
    assert ask(endpoint(server), "/livez").status == 200
    assert admin_pid(server) == pid


def test_admin_process_has_no_socket_of_the_workers_and_they_have_none_of_its(
    start_server: Starter,
) -> None:
    server = start_server("held:app", *ADMIN, workers=2)
    where = endpoint(server)
    assert isinstance(where, tuple)
    assert isinstance(server.endpoint, tuple)

    def listens(pid: int) -> set[int]:
        return {port for port in (where[1], server.endpoint[1]) if _has(pid, int(port))}

    admin = admin_pid(server)
    wait_until(lambda: listens(admin) == {where[1]}, "the admin process has its socket only")
    for worker in facts(where)["workers"]:
        assert listens(worker["pid"]) == {server.endpoint[1]}


def _has(pid: int, port: int) -> bool:
    """Whether the process has a socket that listens on this port (proc(5), net/tcp)."""
    inodes = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
            inodes.add(words[9])
    return any(f"socket:[{inode}]" in one for one in processes.descriptors(pid) for inode in inodes)


def test_admin_process_ends_with_an_arbiter_that_is_killed(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN)
    pid = admin_pid(server)
    os.kill(server.pid, signal.SIGKILL)
    server.wait_exit()
    wait_until(lambda: not processes.alive(pid), "the admin process has ended")


def test_upgrade_keeps_the_admin_address(start_server: Starter) -> None:
    server = start_server("held:app", *ADMIN, "--pid", "server.pid")
    where = endpoint(server)
    old = server.upgrade()
    assert ask(where, "/livez").status == 200
    os.kill(old, signal.SIGTERM)
    server.wait_exit()
    server.log.wait_for("this one takes its place")
    wait_until(lambda: ask(where, "/readyz").status == 200, "the new program answers there")
    assert facts(where)["workers"][0]["pid"] in processes.children(server.pid)


def test_address_in_use_is_told_and_nothing_is_started(start_server: Starter) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        server = start_server("held:app", "--admin-bind", bind, ready=False)
        assert server.wait_exit() == 1
    assert re.search(rf"{bind} is in use; stop the program", server.log.text())
