"""The cyclic collector, which is paused while the server imports its own modules."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import environment

USUAL = gc.get_threshold()[0]  # of this Python
APP = """
import gc
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{gc.isenabled()} {gc.get_threshold()[0]}".encode()]
"""
PRELOADED = ("--preload",)


@pytest.mark.parametrize("options", [(), PRELOADED], ids="".join)
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", f"True {USUAL}"),
        ("import gc\ngc.disable()", f"False {USUAL}"),
        ("import gc\ngc.set_threshold(1234)", "True 1234"),
        (
            "import gc\nassert gc.isenabled()\ndef when_ready(_): assert gc.isenabled()",
            f"True {USUAL}",
        ),
    ],
    ids=["as it was", "disabled", "threshold", "seen by a hook"],
)
def test_collector_is_as_the_config_file_wants_it(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], config: str, expected: str
) -> None:
    (tmp_path / "collected.py").write_text(APP)
    server = start_server("collected:app", "--pythonpath", str(tmp_path), *options, config=config)
    assert server.get("/").text == expected


def test_buffer_of_before_the_server_is_written_once(start_server: Starter, tmp_path: Path) -> None:
    """A file of sitecustomize's: the server's first modules were not there yet."""
    log = tmp_path / "early.log"
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        f"sys.early = open({str(log)!r}, 'a')\n"
        "sys.early.write('before the server\\n')\n"
    )
    paths = f"{tmp_path}{os.pathsep}{environment({})['PYTHONPATH']}"
    server = start_server("echo_query:app", workers=2, env={"PYTHONPATH": paths})
    server.signal("stop")
    assert server.wait_exit() == 0
    assert log.read_text() == "before the server\n"
