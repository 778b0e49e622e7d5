"""The server as process 1 of a container, and the guide to Docker.

There is no Docker here: unshare(1) gives the same namespaces, a root filesystem that is
read-only, and a user without capabilities.

Runs in: cli
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fastfork.arbiter.children.workers import KILL_MARGIN
from fastfork.arbiter.shutdown import LAST_WAIT
from fastfork.cli.parser import CommandLineParser
from fastfork.config import Config
from tests.conftest import Starter
from tests.kit import admin, processes
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "docker.md"
MANIFEST = PAGE.parent / "kubernetes" / "shop.yaml"
USER = "10001"
NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
ROOT = PAGE.parents[2]
# /tmp is empty but for the directory that the server was started in, and for the checkout and
# its environment where they are there.
HERE = [str(path) for path in (ROOT, Path(sys.prefix)) if path.is_relative_to("/tmp")]
SEALED = f"""\
set -e
mount -t tmpfs tmpfs /mnt
number=0
for kept in "$PWD" {shlex.join(HERE)}; do
    number=$((number + 1))
    mkdir /mnt/$number
    mount --bind "$kept" /mnt/$number
done
mount -t tmpfs tmpfs /tmp
number=0
for kept in "$PWD" {shlex.join(HERE)}; do
    number=$((number + 1))
    mkdir -p "$kept"
    mount --move /mnt/$number "$kept"
    mount -o remount,bind,ro "$kept"
done
umount /mnt
mount -o remount,bind,ro /
cd "$PWD"
exec "$@"
"""
NOBODY = (
    "setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs",
    "--bounding-set=-all", "--inh-caps=-all",
)  # fmt: skip
BODY = b"b" * (4 << 20)  # more than body_buffer


@pytest.fixture
def container() -> list[str]:
    """The command that makes a container, without the one that runs in it."""
    command = [program("unshare"), *NAMESPACES]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"namespaces need root: {tried.stderr}")
    return [*command, "sh", "-c", SEALED, "sh", program("setpriv"), *NOBODY[1:]]


def arbiter_of(server: RunningServer) -> int:
    """Its pid outside, where it is the child of unshare."""
    return wait_until(lambda: processes.children(server.pid), "the arbiter")[0]


def stop(server: RunningServer, signum: int = signal.SIGTERM) -> int:
    os.kill(arbiter_of(server), signum)
    return server.wait_exit()


def test_process_1_finishes_what_runs_when_it_gets_term(
    start_server: Starter, container: list[str]
) -> None:
    server = start_server("orphaning:app", through=container, workers=2)
    assert " (1)\n" in server.log.text()
    client = server.connect(timeout=30)
    client.send_request("GET", "/hold")
    os.kill(arbiter_of(server), signal.SIGTERM)
    server.log.wait_for("Stopping; running requests have")
    (server.files / "go").touch()
    assert client.read_response().status == 200
    client.close()
    assert server.wait_exit() == 0


def test_process_1_collects_what_the_application_leaves_behind(
    start_server: Starter, container: list[str]
) -> None:
    server = start_server("orphaning:app", through=container)
    arbiter = arbiter_of(server)
    own = set(processes.children(arbiter))
    assert server.get("/orphan").status == 200

    def orphans() -> set[int]:
        return set(processes.children(arbiter)) - own

    (orphan,) = wait_until(orphans, "the orphan is process 1's")
    os.kill(orphan, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{orphan}").exists(), "it was collected")
    assert server.get("/").status == 200
    assert set(processes.children(arbiter)) == own
    assert stop(server) == 0


@pytest.mark.parametrize("guide", ["docker", "kubernetes"])
def test_server_needs_to_write_nowhere_but_in_tmp_and_no_capability(
    start_server: Starter, container: list[str], guide: str
) -> None:
    words = command_of(dockerfile()["CMD"])[1:] if guide == "docker" else pod()["args"]
    assert words[-1] == "shop:app"
    here = [re.sub(r"bind=[\d.]+:\d+$", "bind=127.0.0.1:0", word) for word in words[:-1]]
    server = start_server(
        "orphaning:app", *here, through=container, workers=2, listens=False, bare=True
    )
    for pid in processes.children(arbiter_of(server)):
        status = Path(f"/proc/{pid}/status").read_text()
        assert re.search(rf"^Uid:\s+{USER}\s+{USER}\s", status, re.M)
        assert re.search(r"^CapEff:\s+0+$", status, re.M)
    assert server.get("/write").text == "Read-only file system"
    with server.connect() as client:
        assert client.request("POST", "/upload", body=BODY).text == str(len(BODY))
    for path in ("/livez", "/readyz"):
        assert admin.ask(admin.endpoint(server), path).status == 200
    assert stop(server, signal.SIGINT) == 0  # at once: do not drain


# -- the guide


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return str(found)


def dockerfile() -> dict[str, str]:
    """Instruction -> its words, in the last stage."""
    lines = (PAGE.parent / "docker" / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    stages = [at for at, line in enumerate(lines) if line.startswith("FROM ")]
    return dict(line.split(" ", 1) for line in lines[stages[-1] :] if line.strip())


def pod() -> dict[str, Any]:
    """The container of the Deployment, and what its pod says of users."""
    spec = next(iter(yaml.safe_load_all(MANIFEST.read_text())))["spec"]["template"]["spec"]
    return {**spec["containers"][0], "user": spec["securityContext"]["runAsUser"]}


def command_of(text: str) -> list[str]:
    found: list[str] = json.loads(text)
    return found


def test_command_of_the_image_is_one_that_works() -> None:
    name, *words = command_of(dockerfile()["CMD"])
    options = CommandLineParser().options(words)
    assert (name, options["wsgi_app"]) == ("fastfork", "shop:app")
    assert options["bind"] == [f"0.0.0.0:{dockerfile()['EXPOSE']}"]


def test_image_and_manifest_have_the_same_user() -> None:
    assert dockerfile()["USER"] == str(pod()["user"]) == USER


def test_health_check_of_the_image_tells_health(start_server: Starter) -> None:
    options = dockerfile()["HEALTHCHECK"].partition(" CMD ")
    name, *words = command_of(options[2])
    server = start_server("orphaning:app", "--admin-bind", "127.0.0.1:0")
    place = admin.endpoint(server)
    here = [word.replace("127.0.0.1:9000", f"127.0.0.1:{place[1]}") for word in words]
    assert here != words

    def run() -> int:
        return subprocess.run([program(name), *here], capture_output=True, timeout=30).returncode

    assert run() == 0
    server.signal("stop")
    assert server.wait_exit() == 0
    assert run() != 0


def grace() -> float:
    options: dict[str, Any] = CommandLineParser().options(command_of(dockerfile()["CMD"])[1:])
    return float(options["graceful_timeout"]) + Config().drain_delay + KILL_MARGIN + LAST_WAIT


def test_docker_waits_for_as_long_as_the_server_takes_to_stop() -> None:
    (service,) = yaml.safe_load(block("yaml"))["services"].values()
    assert float(service["stop_grace_period"].removesuffix("s")) > grace()
    (line,) = re.findall(r"^\$ (docker stop .*)$", PAGE.read_text(), re.M)
    words = shlex.split(line)
    assert float(words[words.index("--time") + 1]) > grace()
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
