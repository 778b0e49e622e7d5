"""The corpus for ASGI servers on fastfork.

FASTFORK_ASGI=1 has it played where there is no `-k asgi` yet; FASTFORK_ASGI_OPTIONS are more
options for the server, such as `--asgi-loop uvloop`.

Runs in: cli
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asgi.case import Case
from tests.asgi.corpus import CASES
from tests.asgi.servers import HAS_WORKER, Fastfork
from tests.asgi.stage import Stage

pytestmark = pytest.mark.skipif(not HAS_WORKER, reason="there is no -k asgi yet")


class Company:
    """A server for all cases, and those that a case has started for itself."""

    def __init__(self, files: Path) -> None:
        self.starter = Fastfork(files, *os.environ.get("FASTFORK_ASGI_OPTIONS", "").split())
        self.started = self.starter.start()


@pytest.fixture(scope="module")
def company(request: pytest.FixtureRequest) -> Iterator[Company]:
    failed = request.session.testsfailed
    files = Path(tempfile.mkdtemp(prefix="fastfork-asgi-"))
    company = Company(files)
    yield company
    company.starter.finish()
    if request.session.testsfailed == failed:
        shutil.rmtree(files)
    else:
        print(f"files left in {files}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_server_does_what_the_source_of_the_case_says(company: Company, case: Case) -> None:
    endpoint = company.started.endpoint
    stage = Stage(endpoint, started=company.started, starter=company.starter)
    try:
        case.play(stage)  # NotOffered is a failure here
    finally:
        stage.close()
