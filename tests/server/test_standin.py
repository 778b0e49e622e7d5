"""The stand-in for gunicorn (standin/), started as other programs start gunicorn.

It is built and installed into an environment of its own, without the network.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest

import fastfork
from tests.kit import processes
from tests.kit.log import Log
from tests.kit.programs import library
from tests.kit.server import ROOT
from tests.kit.waiting import wait_until

TREE = ROOT / "standin"
# What the environment is given besides, by links.
NEEDED = ("httptools",)
WANTED = ("setproctitle",)

pytestmark = [
    pytest.mark.skipif(not TREE.is_dir(), reason="no checkout around the tests"),
    pytest.mark.skipif(find_spec("setuptools") is None, reason="type: pip install setuptools"),
]

APP = """
import sys
def application(environ, start_response):
    body = f"{'gunicorn' in sys.modules} {environ['SERVER_SOFTWARE']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
def cached_app():
    return application
app = application
"""
ANSWER = f"True fastfork/{fastfork.__version__}"


@pytest.fixture(scope="session")
def bin_of_standin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has fastfork and the stand-in."""
    folder = tmp_path_factory.mktemp("standin")
    tree = shutil.copytree(TREE, folder / "tree")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    quiet = {"stdin": subprocess.DEVNULL, "timeout": 100, "check": True}
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, tree],
        **quiet,  # type: ignore[call-overload]
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run(
        [*pip, "--python", python, "install", "--no-deps", "--no-index", wheel],
        **quiet,  # type: ignore[call-overload]
    )
    (site,) = (folder / "env" / "lib").glob("python3*/site-packages")
    link(Path(fastfork.__file__).parent, site)
    for name in (*NEEDED, *WANTED):
        found = find_spec(name)
        if found is not None and found.origin is not None:
            link(Path(found.origin).parent, site)
    return python.parent


def link(package: Path, site: Path) -> None:
    (site / package.name).symlink_to(package)


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0")


class Started:
    """A program that runs, and its log."""

    def __init__(self, folder: Path, words: list[str], **env: str) -> None:
        self.log = Log(folder / "server.log")
        clean = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        with self.log.path.open("wb") as output:
            self.process = subprocess.Popen(
                words,
                cwd=folder,
                env={**clean, "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def answer(self) -> str:
        line = self.log.wait_for("Listening at:")
        address = line.split("http://")[1].split()[0]
        with urlopen(f"http://{address}/", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Started] = []
    for name, text in PROGRAMS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def go(*words: object, **env: str) -> Started:
        running.append(Started(tmp_path, [str(word) for word in words], **env))
        return running[-1]

    yield go
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(20)


# As the programs have them; airflow's config file and what its monitor looks for in titles.
PROGRAMS = {
    "shop.py": APP,
    "mlflow/server/__init__.py": APP,
    "frappe/app.py": APP,
    "airflow/www/app.py": APP,
    "airflow/www/gunicorn_config.py": """
import setproctitle
def post_worker_init(_):
    old_title = setproctitle.getproctitle()
    setproctitle.setproctitle("[ready] " + old_title)
def on_starting(server): pass
""",
}


def test_versions_agree() -> None:
    """The three places that name it."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == fastfork.__version__
    assert project["dependencies"] == [f"fastfork=={fastfork.__version__}"]
    wanted = [f"fastfork-gunicorn=={fastfork.__version__}"]
    assert extras["optional-dependencies"]["gunicorn"] == wanted


@pytest.mark.parametrize("way", ["command", "module"])
def test_mlflow_starts_it(bin_of_standin: Path, start: Start, way: str) -> None:
    program = [bin_of_standin / "gunicorn"]
    if way == "module":
        program = [bin_of_standin / "python", "-m", "gunicorn"]
    words = ["--timeout", "60", "-b", "127.0.0.1:0", "-w", "2", "mlflow.server:app"]
    server = start(*program, *words)
    server.log.wait_for("Worker ready", count=2)
    assert server.answer() == ANSWER
    assert server.stop() == 0


def test_frappe_starts_it(bin_of_standin: Path, start: Start) -> None:
    options = (
        "-b 127.0.0.1:0 -w 2 --max-requests 5000 --max-requests-jitter 500 -t 120 "
        "--graceful-timeout 30 --worker-tmp-dir=/dev/shm --worker-class=gthread --threads=4 "
        "frappe.app:application --preload"
    )
    server = start(bin_of_standin / "gunicorn", *options.split())
    server.log.wait_for("Worker ready", count=2)
    assert server.answer() == ANSWER
    assert server.stop() == 0


def test_airflow_starts_it_and_counts_workers_by_their_titles(
    bin_of_standin: Path, start: Start, tmp_path: Path
) -> None:
    library("setproctitle")
    options = (
        "--workers 2 --worker-class sync --timeout 120 --bind 127.0.0.1:0 "
        "--name airflow-webserver --pid airflow.pid --config python:airflow.www.gunicorn_config "
        "--access-logfile - --error-logfile - airflow.www.app:cached_app() --preload"
    )
    server = start(bin_of_standin / "python", "-m", "gunicorn", *options.split())
    server.log.wait_for("--preload is left out, since Airflow would count")
    server.log.wait_for("Worker ready", count=2)
    arbiter = server.process.pid
    assert int((tmp_path / "airflow.pid").read_text()) == arbiter
    assert server.answer() == ANSWER

    def ready() -> bool:
        titles = [title(pid) for pid in processes.children(arbiter)]
        return len(titles) == 2 and all(title.startswith("[ready] ") for title in titles)

    wait_until(ready, "two titles of ready workers")
    server.process.send_signal(signal.SIGTTIN)
    server.log.wait_for("Worker ready", count=3)
    wait_until(
        lambda: [title(pid)[:8] for pid in processes.children(arbiter)] == ["[ready] "] * 3,
        "three titles",
    )
    assert server.stop() == 0


STANDALONE = """
import os
import gunicorn.app.base

class Standalone(gunicorn.app.base.BaseApplication):
    def __init__(self, options):
        self.options = options
        super().__init__()

    def load_config(self):
        for key, value in self.options.items():
            if key in self.cfg.settings and value is not None:
                self.cfg.set(key.lower(), value)

    def load(self):
        from shop import application
        print("loaded by", "the arbiter" if os.getpid() == parent else "a worker", flush=True)
        return application

def post_fork(server, worker):
    worker.log.info("forked, %s", server.cfg.threads)

if __name__ == "__main__":
    parent = os.getpid()
    Standalone({"bind": "127.0.0.1:0", "workers": 2, "threads": 3, "keyfile": None, "no_such": 1,
                "post_fork": post_fork}).run()
    print("not reached")
"""


def test_program_that_derives_from_base_application_is_served(
    bin_of_standin: Path, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "alone.py").write_text(STANDALONE)
    server = start(bin_of_standin / "python", "alone.py")
    server.log.wait_for("Worker ready", count=2)
    server.log.wait_for("forked, 3")
    server.log.wait_for("loaded by a worker", count=2)
    assert server.answer() == ANSWER
    assert server.stop() == 0
    assert "not reached" not in server.log.text()


def test_setting_that_cannot_be_ends_such_a_program_in_one_line(
    bin_of_standin: Path, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "alone.py").write_text(STANDALONE.replace('"threads": 3', '"threads": "x"'))
    server = start(bin_of_standin / "python", "alone.py")
    assert server.process.wait(20) == 1
    server.log.wait_for("Error: threads: 'x' is not an integer")


@pytest.mark.parametrize(
    "code",
    [
        "from gunicorn.app.wsgiapp import run; run()",
        "from gunicorn.app.wsgiapp import WSGIApplication; WSGIApplication('usage').run()",
        "import gunicorn.app.wsgiapp as wsgi; wsgi.run()",
    ],
)
def test_program_that_sets_argv_and_runs_the_command_is_served(
    bin_of_standin: Path, start: Start, code: str
) -> None:
    text = f"import sys; sys.argv = ['gunicorn', '-b', '127.0.0.1:0', 'shop:app']; {code}"
    server = start(bin_of_standin / "python", "-c", text)
    server.log.wait_for("Worker ready")
    assert server.answer() == ANSWER
    assert server.stop() == 0


def test_application_of_a_derived_command_is_served(bin_of_standin: Path, start: Start) -> None:
    text = """
from gunicorn.app.wsgiapp import WSGIApplication
class Own(WSGIApplication):
    def __init__(self, uri):
        self.app_uri = uri
        super().__init__()
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
if __name__ == "__main__":
    Own("shop:app").run()
"""
    server = start(bin_of_standin / "python", "-c", text)
    server.log.wait_for("Worker ready")
    assert server.answer() == ANSWER
    assert server.stop() == 0


def test_names_of_gunicorn_can_be_imported(bin_of_standin: Path, start: Start) -> None:
    text = (
        "import gunicorn.glogging, gunicorn.workers.sync; from gunicorn.config import Config; "
        "print(gunicorn.__version__, gunicorn.SERVER, gunicorn.workers.sync.SyncWorker.__name__)"
    )
    told = start(bin_of_standin / "python", "-c", text)
    assert told.process.wait(20) == 0
    assert told.log.text() == "27.0.1 gunicorn SyncWorker\n"


def test_version_says_which_server_it_is(bin_of_standin: Path, start: Start) -> None:
    told = start(bin_of_standin / "gunicorn", "--version")
    assert told.process.wait(20) == 0
    version = fastfork.__version__
    assert told.log.text() == f"gunicorn (version 27.0.1), which is fastfork {version}\n"


def test_beside_a_gunicorn_the_command_refuses_and_the_module_is_gunicorns(
    bin_of_standin: Path, start: Start, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "gunicorn").mkdir(parents=True)
    (site / "gunicorn" / "__init__.py").write_text("")
    (site / "gunicorn" / "__main__.py").write_text("print('the real one')")
    info = site / "gunicorn-23.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gunicorn\nVersion: 23.0.0\n")
    refused = start(bin_of_standin / "gunicorn", "shop:app", PYTHONPATH=str(site))
    assert refused.process.wait(20) == 1
    assert refused.log.text().startswith("gunicorn 23.0.0 and fastfork-gunicorn are both installed")
    assert "type: pip uninstall gunicorn (for fastfork)" in refused.log.text()
    real = start(bin_of_standin / "python", "-m", "gunicorn", PYTHONPATH=str(site))
    assert real.process.wait(20) == 0
    assert real.log.text() == "the real one\n"
