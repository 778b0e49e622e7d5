"""The page docs/explanation/slow-clients.md, made from a run.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.kit.markdown import table
from benchmarks.slow.phases import Phase
from benchmarks.slow.run import SlowRun
from benchmarks.slow.servers import SLOW, SLOW_SERVERS
from benchmarks.slow.starved import Heads, Silent, Starved
from benchmarks.slow.targets import MIB, describe

_HEAD = """# Slow clients

<!-- Made by `make slow` from what it measured; do not edit. -->

A client that sends or reads a byte now and then costs nothing and can stop a server whose workers
or threads wait for it. fastfork's workers wait for nobody: heads and bodies are collected by the
event loop before the application is called, an answer that is not taken is parked, and each kind
of waiting has a deadline that further bytes do not move.

| who is slow | how long | what happens then | setting |
|---|---|---|---|
| sends a head | 10 s from its first byte | 408 | `header_timeout` |
| sends a body | 30 s without a byte; 240 bytes/s at least after 10 s | 408 | `body_timeout` |
| reads an answer | 60 s without taking anything | reset | `write_timeout` |

## When all places are taken

A worker holds half as many connections as it may have descriptors
([`worker_connections`](../reference/settings.md#worker_connections) says how that is counted, and
takes a number instead). When all places are taken and somebody new comes, one connection is
closed for him:

1. one that was told 408, or has its last answer, and only does not close;
2. one that is idle between two requests, for a quarter of a second at least;
3. whoever has been slow for the longest: in saying anything, in a TLS handshake, in a head (408)
   or in a body (408). A body counts from when it would have begun, had it come at
   `body_min_rate`: one that comes quickly is not slow, however long it takes. A pause in such a
   body, and not taking anything of an answer (reset), count for an eighth.

A second of it is slow enough, at first. While somebody waits in vain that becomes less, to 50 ms,
and it becomes more again when there is room. The application is not concerned: a request that it
has, or that waits for a thread, keeps its place. The log has a line of it each 10 seconds at the
most.

What has come of heads that are not complete may take 32 MiB of a worker's memory; beyond that
those that hold most of it end with 408, the oldest first. Bodies have 64 MiB, answers that wait
32 MiB, and files beyond that.

## Beside other servers

Some clients are slow, a third each: dripping a head by a byte a second, dripping an upload by a
byte a second, reading an answer of 16 MiB by 64 bytes a second. At the same time one quick client
asks for a tiny page on a new connection 50 times a second, on a fixed schedule, and gives up a
request after 10 s. A phase ends when all slow clients have been ended, when nothing was answered
for 30 s ("stalled"), or after {seconds:g} s and the time it takes to open all.
"""

_HOW = """
- *answered*: of the quick client's requests; *p50*, *p99*, *max*: latencies of those, from the
  moment the schedule names; *p99 alone*: before there were slow clients.
- *memory*: PSS of the whole process tree at the most, in MiB.
- *head*, *upload*, *reader*: how many of the slow clients were ended how, and by when, in seconds
  after their first bytes. "408 end": read an answer with this status, then the end of the
  connection. "reset": the server gave the connection up. "closed": ended without an answer. "open":
  nothing had happened when the phase ended.

All servers have two workers, and four application threads a worker where they can have them
(waitress has one process: eight). fastfork has its default settings: one thread a worker;
`fastfork-threads` has `--threads 4`, `fastfork-gevent` `-k gevent`, `fastfork-tls` a certificate,
and `fastfork-256-descriptors` runs below `ulimit -n 256`, so that there is no room for most of
the clients. With TLS each quick request is a new handshake, and slow clients are opened at 100 a
second instead of 1,000, as clients need a processor for theirs. Before each phase as many slow
clients are opened once and closed again: a virtual machine gets the memory for their sockets from
its host page by page. The others are told to hold more
connections than there are clients; their other settings are the defaults. Servers run on one
core, clients on another. The slow clients announce segments of 1,460 bytes, as over Ethernet:
with loopback's 64 KiB the kernel alone would take 2.6 MB of the answer from the server for each
of them.
"""


def page(run: SlowRun) -> str:
    """The whole page."""
    parts = [_HEAD.format(seconds=run.seconds)]
    for clients in dict.fromkeys(one.clients for one in run.phases):
        parts.append(f"### {clients:,} slow clients\n")
        parts.append(_beside([one for one in run.phases if one.clients == clients]) + "\n")
    parts.append(_HOW.strip() + "\n")
    if run.heads is not None:
        parts.append(_heads(run.heads))
    if run.silent is not None:
        parts.append(_silent(run.silent))
    if run.starved is not None:
        parts.append(_starved(run.starved))
    parts.append("## What was asked for, and what was found\n")
    rows = [[one.text, one.found, "yes" if one.kept else "**no**"] for one in run.targets]
    parts.append(table(["promise", "found", "kept"], rows) + "\n")
    parts.append(_where(run))
    return "\n".join(parts)


def _beside(phases: Sequence[Phase]) -> str:
    head = ["server", "answered", "p99 alone", "p50 ms", "p99 ms", "max ms", "memory"]
    head += ["head", "upload"]
    return table([*head, "reader"], [_cells(one) for one in phases])


def _cells(phase: Phase) -> list[str]:
    if phase.void:
        return [phase.server, f"not measured: {phase.void}", *[""] * 8]
    quick = phase.quick
    answered = f"{quick['answered']} of {quick['asked']}"
    if quick["stalled"]:
        answered += ", stalled"
    times = [_ms(quick[key]) for key in ("p50_ms", "p99_ms", "max_ms")]
    kinds = [describe(phase.ended.get(kind, {})) for kind in ("head", "upload", "reader")]
    alone = _ms(phase.alone["p99_ms"])
    return [phase.server, answered, alone, *times, f"{phase.pss / MIB:.0f}", *kinds]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _heads(heads: Heads) -> str:
    text = f"## {heads.heads:,} half-sent heads on one worker\n\n"
    if heads.void:
        return text + f"Not measured: {heads.void}\n"
    rows = [
        [name, str(one["asked"]), str(one["answered"]), *(_ms(one[key]) for key in _LATENCIES)]
        for name, one in (
            ("before", heads.quiet),
            ("while all are held", heads.crowded),
            ("while they are ended", heads.ending),
        )
    ]
    return (
        f"{text}Each has sent half a head and goes on by a byte every 4 s. A clean client asks "
        f"on a new connection 200 times a second.\n\n"
        f"{table(['clean client', 'asked', 'answered', 'p50 ms', 'p99 ms', 'max ms'], rows)}\n\n"
        f"One worker held {heads.held:,} of them with {heads.each} bytes of memory (PSS) each. "
        f"They ended: {describe(heads.ended)}.\n"
    )


_LATENCIES = ("p50_ms", "p99_ms", "max_ms")


def _silent(silent: Silent) -> str:
    text = f"## {silent.connections:,} silent connections on one worker\n\n"
    if silent.void:
        return text + f"Not measured: {silent.void}\n"
    clean = silent.clean
    return (
        f"{text}They connect and send nothing. The worker held {silent.held:,} of them with "
        f"{silent.each} bytes (PSS) each and used {silent.cpu_share:.2%} of a core meanwhile. A "
        f"clean client beside them was answered {clean['answered']} of {clean['asked']} times, "
        f"p99 {_ms(clean['p99_ms'])} ms. They ended: {describe(silent.ended)}.\n"
    )


def _starved(starved: Starved) -> str:
    text = f"## {starved.allowed} descriptors and {starved.connects} connects\n\n"
    if starved.void:
        return text + f"Not measured: {starved.void}\n"
    return (
        f"{text}The worker may have {starved.allowed} descriptors; {starved.connects} connections, "
        f"which stay, ask for something once. {starved.answered} of them were answered within "
        f"{starved.all_within:.1f} s: whoever is idle gives way. With all descriptors taken and "
        f"nobody asking the worker used {starved.cpu_share:.2%} of a core. A new client was "
        f"answered after {starved.recovery:.2f} s then, by "
        f"{'the same worker' if starved.same_workers else 'another worker'}.\n"
    )


def _where(run: SlowRun) -> str:
    facts, versions = run.facts, run.versions
    lines = ["## Where and with what\n"]
    lines += [f"- {name}: {text}" for name, text in facts.items() if name not in ("wrk", "ab")]
    lines.append(f"- {', '.join(f'{name} {text}' for name, text in versions.items())}")
    if run.first:
        lines.append("- servers at nice -20, as the machine had other work")
    lines.append(f"- `make slow{' ARGS=--first' * run.first}`, which starts:")
    for server in SLOW_SERVERS.values():
        if server.name in versions:
            command = " ".join(server.command).format_map(
                {"python": "python", "port": "PORT", "app": SLOW.app}
            )
            lines.append(f"  - `{command}`")
    return "\n".join(lines) + "\n"
