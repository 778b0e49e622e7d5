"""The page for people, in a browser.  Its screenshots stay in build/artefacts."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, Starter
from tests.kit.admin import ADMIN, ask, endpoint, facts
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

ARTEFACTS = Path(os.environ.get("FASTFORK_TEST_ARTEFACTS", ROOT / "build" / "artefacts"))
# What the page may take in the browser's time: its script asks again after two seconds.
BUDGET = "6000"  # milliseconds
BROWSER_SECONDS = 90.0  # a machine with little memory starts it slowly


def browse(browser: str, server: RunningServer, *options: str, url: str = "") -> str:
    """What the browser made of the page, or of another one; '' with --screenshot."""
    host, port = endpoint(server)
    profile = tempfile.mkdtemp(prefix="fastfork-test-browser-")
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",  # the tests may run as root
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={BUDGET}",
            *options,
            url or f"http://{host}:{port}/",
        ],
        capture_output=True,
        timeout=BROWSER_SECONDS,
    )
    shutil.rmtree(profile, ignore_errors=True)  # its last processes may still write there
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.decode()


@pytest.fixture
def browser() -> str:
    """Asked for before `busy`, whose servers have to be let go."""
    return program("chromium")


@pytest.fixture
def busy(start_server: Starter) -> RunningServer:
    """A server that has something to show: three workers, a busy one, one that has died, and
    failures."""
    server = start_server("held:app", *ADMIN, workers=3)
    where = endpoint(server)
    client = server.connect()
    client.send_request("GET", "/die?x=<script>alert(1)</script>")
    wait_until(lambda: facts(where)["ends"], "a worker has died")
    for _ in range(3):
        server.get("/fail?<i>&token=1")
    cut = server.connect()
    cut.send_request("GET", "/broken")
    wait_until(lambda: len(facts(where)["failing"]) == 2, "both have failed")
    server.expect_alarm("failed on purpose")
    holding = server.connect(timeout=30)
    holding.send_request("GET", "/hold?<b>&token=1")
    wait_until(lambda: any(w["serving"] for w in facts(where)["workers"]), "a worker is busy")

    def has_charts() -> bool:
        for _ in range(20):
            server.get("/missing")
        return ask(where, "/").text.count("<polyline") == 6 and _is_steady(ask(where, "/").text)

    wait_until(has_charts, "there are a few samples", timeout=30)
    return server


def _is_steady(page: str) -> bool:
    """Each line of the charts has four points at least."""
    lines = re.findall(r'<polyline class="\w" points="([^"]*)"', page)
    return all(len(points.split()) >= 4 for points in lines)


def test_page_in_a_browser_shows_the_workers_and_goes_on(browser: str, busy: RunningServer) -> None:
    page = browse(browser, busy, "--dump-dom")
    assert 'data-live="yes"' in page  # the script has asked again, and was answered
    assert '<span id="live">live</span>' in page
    for worker in facts(endpoint(busy))["workers"]:
        assert f'<td class="n">{worker["pid"]}</td>' in page
    assert "GET /hold?... HTTP/1.1 - " in html.unescape(page)
    assert '<td class="w">GET /fail</td><td class="n">3</td>' in page
    assert '<td class="n"><b class="bad">500</b></td>' in page
    assert '<td class="n"><b class="bad">cut</b></td>' in page
    assert '<a href="/metrics"' in page
    assert re.search(r'<td class="">crash</td><td class="">signal 9</td>', page)
    assert page.count("<svg") == 3
    assert _is_steady(page)
    (busy.files / "go").touch()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_page_is_kept_as_a_picture(browser: str, busy: RunningServer, script: bool) -> None:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    picture = ARTEFACTS / ("admin-page.png" if script else "admin-page-without-script.png")
    picture.unlink(missing_ok=True)
    url = "" if script else without_script(busy)
    browse(browser, busy, f"--screenshot={picture}", "--window-size=1280,900", url=url)
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    assert size == (1280, 900)
    assert len(data) > 20_000  # an empty page has a few
    (busy.files / "go").touch()


def without_script(server: RunningServer) -> str:
    """A copy without it: a browser that runs no script shows nothing to those that start it so."""
    whole = ask(endpoint(server), "/").text
    copy = server.files / "page.html"
    copy.write_text(re.sub(r"<script>.*?</script>", "", whole, flags=re.DOTALL))
    return copy.as_uri()


def test_page_without_script_is_a_table_with_charts(browser: str, busy: RunningServer) -> None:
    page = browse(browser, busy, "--dump-dom", url=without_script(busy))
    assert '<span id="live">as of the time it was loaded</span>' in page
    for worker in facts(endpoint(busy))["workers"]:
        assert f'<td class="n">{worker["pid"]}</td>' in page
    assert page.count("<svg") == 3
    assert _is_steady(page)
    (busy.files / "go").touch()


def test_page_asks_for_nothing_from_elsewhere_and_runs_no_other_script(
    busy: RunningServer,
) -> None:
    answer = ask(endpoint(busy), "/")
    policy = answer.get("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", answer.text)
    assert "<script>alert" not in answer.text
    assert "token" not in answer.text
    (busy.files / "go").touch()
