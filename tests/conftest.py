"""Fixtures for every test: real servers, and both parsers.

Runs in: cli
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# At the end of the path: `tests.kit` is found here, but an installed fastfork comes first.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

import fastfork  # noqa: E402
from fastfork import port  # noqa: E402
from tests.kit import elsewhere  # noqa: E402
from tests.kit.lending import Lender  # noqa: E402
from tests.kit.server import Fleet, RunningServer  # noqa: E402

if TYPE_CHECKING:
    from tests.kit.tls import Authority

PARSERS = ("httptools", "native")
FAILED = pytest.StashKey[bool]()
Starter = Callable[..., RunningServer]  # Fleet.start

# Where tests run beside each other, an example takes as long as it takes.
hypothesis.settings.register_profile("side by side", deadline=None)
if not os.environ.get("CI"):  # there hypothesis has a profile of its own, without deadline too
    hypothesis.settings.load_profile("side by side")


def pytest_configure(config: pytest.Config) -> None:
    """With FASTFORK_TEST_INSTALLED=1 the tests refuse to run on the checkout."""
    if os.environ.get("FASTFORK_TEST_INSTALLED") and _in_checkout():
        raise pytest.UsageError(
            f"fastfork is imported from {fastfork.__file__}, which is the checkout and not an "
            "installed package; type: make test"
        )


def pytest_report_header() -> str:
    """Say what is tested."""
    kind = "checkout" if _in_checkout() else "installed"
    return f"fastfork: {fastfork.__version__} ({kind}: {Path(fastfork.__file__).parent})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, in a portable build, what needs Linux."""
    for item in () if port.IS_LINUX else items:
        name = getattr(item, "originalname", item.name)
        if reason := elsewhere.reason_for(item.path.name, name):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect more than twenty thousand tests without looking for garbage: all of it stays, and
    looking through it again and again takes as long as all the rest.

    Nobody looks through it later either: tests that count objects collect garbage often, and it
    would be most of what there is to look at.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def _in_checkout() -> bool:
    return Path(fastfork.__file__).resolve().parents[1] == ROOT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know at their end whether the test failed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(params=PARSERS)
def http_parser(request: pytest.FixtureRequest) -> str:
    """The name of a parser; the test runs once with each."""
    return str(request.param)


@pytest.fixture
def earlier_objects_left_alone() -> None:
    """gc.collect() does not look at what there was before the test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom clients and servers of the tests about TLS believe."""
    from tests.kit.tls import Authority  # others do without what it imports

    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server_files(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory for the files of one test's servers.

    It stays, and is named, when the test fails or FASTFORK_TEST_LEAVE is set.
    """
    directory = Path(tempfile.mkdtemp(prefix="fastfork-test-"))
    yield directory
    failed = request.node.stash.get(FAILED, False)
    if failed:
        for log in sorted(directory.rglob("*.log")):
            print(f"--- {log}\n{log.read_text(errors='backslashreplace')}")
    if failed or os.environ.get("FASTFORK_TEST_LEAVE"):
        print(f"files left in {directory}")
    else:
        shutil.rmtree(directory)


@pytest.fixture
def start_server(request: pytest.FixtureRequest, server_files: Path) -> Iterator[Starter]:
    """Start servers: `start_server("module:app", "--timeout", "5", workers=2, config="...")`.

    Waits until all workers are ready, unless `ready=False`.  At the end each server is
    stopped and checked for what it left behind.
    """
    fleet = Fleet(server_files)
    yield fleet.start
    try:
        fleet.finish()
    except BaseException:
        request.node.stash[FAILED] = True  # the report of this phase comes after the fixtures
        raise


@pytest.fixture(scope="module")
def lender() -> Iterator[Lender]:
    """The servers that tests of one module share."""
    made = Lender()
    made.must_stay = bool(os.environ.get("FASTFORK_TEST_LEAVE"))
    yield made
    made.finish()


@pytest.fixture
def borrow_server(request: pytest.FixtureRequest, lender: Lender) -> Iterator[Starter]:
    """As `start_server`, for tests that leave a server as it was: those of one module that ask
    for the same one share it.

    After each test no worker may be another one, no descriptor open, no alarm in the log.
    """
    yield lender.lend
    lender.take_back(failed=request.node.stash.get(FAILED, False))


@pytest.fixture
def running_server(start_server: Starter) -> RunningServer:
    """The demo application with two workers."""
    return start_server(workers=2)
