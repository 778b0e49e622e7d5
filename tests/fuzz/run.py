"""Runs the fuzzers side by side: `python -m tests.fuzz.run --seconds 60 [NAME ...]`, what
`make fuzz` does.

Each begins with the inputs in tests/fuzz/kept/ and the cases of the corpus, works in
build/fuzz/NAME/ and goes on there the next time.  At the end there is one line for each with
executions, edges and findings.  With --keep, what was reached is then written to
tests/fuzz/kept/ with as few inputs as reach the same.

Runs in: cli
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.fuzz.inputs import KEPT, encode, found, kept, seeds
from tests.wire.corpus import ALL, chunked

ROOT: Final = Path(__file__).resolve().parents[2]
PLACE: Final = ROOT / "build" / "fuzz"
C_TESTS: Final = ROOT / "tests" / "c"
LONGEST: Final = 1200  # bytes of an input; longer than the limits that inputs choose
KEPT_BYTES: Final = 60_000  # of one file in tests/fuzz/kept
GRACE: Final = 120.0  # seconds to read the seeds, and to end
ALL_OPTIONS: Final = 31  # of csrc/http1/scan.h

V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
PREFACES: Final = (
    b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\n",
    b"PROXY TCP6 2001:db8::1 2001:db8::2 8080 80\r\n",
    b"PROXY UNKNOWN\r\n",
    V2 + b"\x20\0\0\0",
    V2 + b"\x21\0\0\0",
    V2 + b"\x21\x11\0\x11" + bytes(12) + b"\x01\0\x02h2",
    V2 + b"\x21\x21\0\x24" + bytes(36),
    V2 + b"\x21\x31\0\xd8" + bytes(216),
    b"GET / HTTP/1.1\r\n\r\n",
)

KEY: Final = b"\1\2\3\4"
FRAMES: Final = (
    b"\x81\x85" + KEY + b"Igoho",
    b"\xc1\x80" + KEY,
    b"\x01\x83" + bytes(4) + "€".encode(),
    b"\x80\x80" + KEY,
    b"\x82\xfe\0\x7e" + KEY + bytes(126),
    b"\x82\xff" + (65536).to_bytes(8, "big") + KEY,
    b"\x89\x80" + KEY,
    b"\x88\x82" + KEY + b"\x02\xea",
)

COVERAGE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
EXECUTIONS = re.compile(r"stat::number_of_executed_units: (\d+)")


@dataclass(frozen=True)
class Fuzzer:
    """command: without libFuzzer's options.  words: its dictionary, in tests/c.
    seeds: what it begins with besides the kept inputs.
    """

    command: Sequence[str]
    words: str
    seeds: Callable[[], Iterable[bytes]]


def _head_seeds() -> Iterable[bytes]:
    """The raw bytes behind the five of fuzz_head.c, strict and with every option."""
    for case in ALL:
        if len(case.raw) < LONGEST:
            yield bytes(5) + case.raw
            yield bytes([0, 0, 0, 0, ALL_OPTIONS]) + case.raw


def _chunked_seeds() -> Iterable[bytes]:
    """The bodies behind the four bytes of fuzz_chunked.c."""
    for case in chunked.CASES:
        yield bytes(4) + case.raw.partition(b"\r\n\r\n")[2][:LONGEST]


def _preface_seeds() -> Iterable[bytes]:
    """One header of each kind behind the byte of fuzz_preface.c, and a request that has none."""
    for header in PREFACES:
        yield b"\x03" + header


def _websocket_seeds() -> Iterable[bytes]:
    """Frames of each kind behind the byte of fuzz_websocket.c, one by one and all of them."""
    for frame in (*FRAMES, b"".join(FRAMES)):
        yield b"\x07" + frame


def _kept_alone() -> Iterable[bytes]:
    """None: what the cases of tests/http2 send was kept (kept/http2.hex, kept/session.hex).  The
    session that answers them is one of the modules that are fuzzed, and not loaded here."""
    return ()


def _raw_seeds() -> Iterable[bytes]:
    """Cases whole, cut by the byte, and through httptools (see tests/fuzz/inputs.py)."""
    yield from seeds(ALL, LONGEST)
    for case in ALL:
        if len(case.raw) < LONGEST:
            yield encode(case.raw, case.settings, 0x89)


def _plain(name: str) -> list[str]:
    return [str(ROOT / "build" / "ctests" / f"fuzz_{name}")]


def _guided(name: str) -> list[str]:
    return [
        str(ROOT / "tools" / "sanitized"),
        sys.executable,
        "-P",
        "-m",
        "tests.fuzz.guided",
        name,
    ]


FUZZERS: Final = {
    "head": Fuzzer(_plain("head"), "head.dict", _head_seeds),
    "chunked": Fuzzer(_plain("chunked"), "chunked.dict", _chunked_seeds),
    "preface": Fuzzer(_plain("preface"), "preface.dict", _preface_seeds),
    "websocket": Fuzzer(_plain("websocket"), "websocket.dict", _websocket_seeds),
    "http2": Fuzzer(_plain("http2"), "http2.dict", _kept_alone),
    "session": Fuzzer(_guided("session"), "http2.dict", _kept_alone),
    "parser": Fuzzer(_guided("parser"), "head.dict", _raw_seeds),
    "hub": Fuzzer(_guided("hub"), "head.dict", _raw_seeds),
}


@dataclass
class Run:
    """A fuzzer at work."""

    name: str
    process: subprocess.Popen[bytes]
    began: float
    seconds: float = 0.0

    @property
    def place(self) -> Path:
        return PLACE / self.name

    @property
    def log(self) -> Path:
        return self.place / "log"

    def found(self) -> list[Path]:
        """Inputs on which something did not hold, in this or an earlier run."""
        return sorted(self.place.glob("found-*"))

    def closing_line(self) -> str:
        """Executions, edges, seconds, findings."""
        text = self.log.read_text(errors="replace")
        executions = EXECUTIONS.findall(text)
        edges, features, inputs = (COVERAGE.findall(text) or [("no", "no", "no")])[-1]
        found = str(len(self.found()) or "nothing")
        return (
            f"fuzz {self.name}: {int(executions[-1]) if executions else 0:,} executions in "
            f"{self.seconds:.0f} s, {edges} edges, {features} features, {inputs} inputs: "
            f"{found} found" + (f", exit status {self.process.returncode}" if self.failed() else "")
        )

    def failed(self) -> bool:
        """Did it end otherwise than by its time?"""
        return self.process.returncode != 0 or bool(self.found())


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--seconds", type=int, default=60, help="how long each works")
    parser.add_argument("--keep", action="store_true", help="write what was reached to the tree")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(FUZZERS))
    options = parser.parse_args()
    names = options.names or list(FUZZERS)
    if unknown := set(names) - set(FUZZERS):
        parser.error(f"{', '.join(sorted(unknown))}: none of {', '.join(FUZZERS)}")
    runs = [_start(name, options.seconds) for name in names]
    for run in runs:
        _wait(run, run.began + options.seconds + GRACE)
    for run in runs:
        _tell(run)
    failed = [run.name for run in runs if run.failed()]
    if options.keep and not failed:
        for name in names:
            _keep(name)
    said = f"found something: {', '.join(failed)}" if failed else "nothing found"
    print(f"fuzz: {len(runs)} fuzzers side by side, {options.seconds} s each: {said}")
    return 1 if failed else 0


def _start(name: str, seconds: int) -> Run:
    place = PLACE / name
    for directory in ("corpus", "seeds"):
        (place / directory).mkdir(parents=True, exist_ok=True)
    _write_seeds(name, place / "seeds")
    options = [
        f"-max_total_time={seconds}",
        f"-dict={C_TESTS / FUZZERS[name].words}",
        f"-artifact_prefix={place / 'found-'}",
        "-print_final_stats=1",
    ]
    command = [*_command(name), *options, str(place / "corpus"), str(place / "seeds")]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=_environment())
    return Run(name, process, time.monotonic())


def _command(name: str) -> list[str]:
    limits = [f"-max_len={LONGEST}", "-timeout=25", "-rss_limit_mb=2048"]
    return [*FUZZERS[name].command, *limits]


def _environment() -> dict[str, str]:
    """tools/sanitized takes atheris' library, which has libFuzzer in it."""
    atheris = find_spec("atheris")
    if atheris is None or atheris.origin is None:
        return dict(os.environ)
    runtime = Path(atheris.origin).parents[1] / "asan_with_fuzzer.so"
    return {**os.environ, "SANITIZER_RUNTIME": str(runtime), "PYTHONSAFEPATH": "1"}


def _write_seeds(name: str, place: Path) -> None:
    for old in place.iterdir():
        old.unlink()
    for data in (*kept(name), *FUZZERS[name].seeds()):
        (place / hashlib.sha1(data).hexdigest()).write_bytes(data)


def _wait(run: Run, deadline: float) -> None:
    """Until it ends; one that does not is killed, which counts as a failure."""
    try:
        run.process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        run.process.kill()
        run.process.wait()
    run.seconds = time.monotonic() - run.began


def _tell(run: Run) -> None:
    print(run.closing_line())
    if run.failed():
        lines = run.log.read_text(errors="replace").splitlines()
        print("\n".join(line for line in lines[-80:] if "# Uses:" not in line))
    for path in run.found():
        print(f"{path}: mend it, move the file away, and keep this line in {KEPT / run.name}.hex:")
        print(path.read_bytes().hex())


def _keep(name: str) -> None:
    """The fewest inputs that reach what all reach, the short ones when they are too many."""
    place = PLACE / name
    merged = place / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    again = place / "again"
    again.write_text(f'#!/bin/sh\nexec {shlex.join(FUZZERS[name].command)} "$@"\n')
    again.chmod(0o755)
    command = [
        *_command(name),
        "-merge=1",
        str(merged),
        str(place / "corpus"),
        str(place / "seeds"),
    ]
    with (place / "log").open("ab") as log:
        environment = {**_environment(), "FUZZ_AGAIN": str(again)}
        subprocess.run(command, stdout=log, stderr=log, cwd=ROOT, env=environment, check=True)
    inputs = {path.read_bytes() for path in merged.iterdir()}
    stay = found(name)
    size, lines = 0, list[str]()
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        size += 2 * len(data) + 1
        if size > KEPT_BYTES:
            break
        if data.hex() not in stay:
            lines.append(data.hex())
    (KEPT / f"{name}.hex").write_text("\n".join([*stay, "", *lines, ""]))
    print(f"fuzz {name}: kept {len(lines)} of {len(inputs)} inputs that reach something")


if __name__ == "__main__":
    raise SystemExit(main())
