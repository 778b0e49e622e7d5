"""docs/reference/logging.md, from the tables of atoms and of metrics."""

from __future__ import annotations

from typing import Final

from fastfork.config.kinds import logformat
from fastfork.metrics.statsd import METRICS
from tools.reference.markdown import table

__all__ = ["render"]

_PREFACE: Final = """\
<!-- Made from tools/reference/logs.py and the tables that it names by `make docs-reference`. -->

# Logging

The settings are in [settings](settings.md#logs). Log files are opened again on SIGUSR1, also
those of handlers that `logconfig` or the application made, as long as they are `FileHandler`s.

## Error log

A line is `[2026-11-24 22:10:00 +0000] [4711] [WARNING] [5b016fd1586a53655f76de9eb6beb346] text`.

The id is there while a request is served, with `request_id`. Control characters are escaped, so
that no text acts on the terminal that shows it. Levels have a colour on a terminal; `NO_COLOR=1`
says never, `FORCE_COLOR=1` always, the first wins.

`log_format = "json"` makes an object a line of it: `time`, `level`, `pid`, `logger`, `message`,
and where there is one `request_id`, `exception`, `stack`.

The logger is `fastfork.error`. `gunicorn.error` has the same handlers and level, for applications
that borrow them.

At level `debug` it tells each setting at the start (of `raw_env` the names), what the arbiter does
with a signal, which worker it starts or tells to go and why, and of each connection when it came,
what it asks and why it is closed.

A pipe, terminal or socket that nobody reads holds nobody up for long: a write waits for a second
at most, and all of them for a twentieth of the time. What is not taken is lost, here and through
`wsgi.errors`, and the next line that is taken is followed by the number of those that were not.

## Access log

There is a line for each request, also for one that is refused before it is understood: it has the
method, target and protocol as far as they came. Lines are written in batches, 50 ms late at most.
What cannot be written (a full disk, a reader that stopped or is too slow) is lost, and told of in
the error log once a minute.

`access_log_format` is `combined`, `json`, or text with atoms:

"""

_SPREAD: Final = logformat.JSON.replace(", ", ",\n ")

_ESCAPING: Final = f"""\
`%(name)s` may have a width and a precision as in printf(3), and `d` for numbers. A name that
there is not prints a dash, and so does a value that is not there. `%%` is a percent sign.
Durations come from the monotonic clock, and are those of the application and its response, not of
the client's upload.

### Escaping

All but printable ASCII, and quotes and backslashes, become `\\xHH`.

A format that is a JSON object, such as `{{"path": "%(U)s", "status": %(s)s}}`, is filled in as
JSON. Within quotes an atom is escaped as the inside of a string. Without quotes it becomes a
value: a number where it is one, `null` for a dash, else a string with its quotes. What came as
UTF-8 is read as that; other bytes become `\\u00HH`. So each line is valid JSON, whatever the
request says.

`json` is this format:

```python
# fastfork.conf.py
access_log_format = \"\"\"
{_SPREAD}
\"\"\".strip().replace("\\n", "")
```

`access_log_exclude = ["/healthz", "/static/*"]` keeps requests for these paths out.

## Filters, levels and handlers of one's own

Whatever a config file, a hook or the application puts on the logger `gunicorn.access` or
`fastfork.access` works, as on `gunicorn.error` and `fastfork.error`: a filter, a level, a handler,
its name in a dictConfig.

```python
# fastfork.conf.py
import logging


class NoHealthChecks(logging.Filter):
    def filter(self, record):
        return "/healthz" not in record.getMessage()


logging.getLogger("gunicorn.access").addFilter(NoHealthChecks())
accesslog = "access.log"
```

Then each access line goes through Python's logging, with its atoms as `record.args`
(`record.args["U"]`), and costs what it does with a `logger_class`, see below. As long as there is
nothing of that kind, no line does. Where it is about paths only, `access_log_exclude` is cheaper.

An application that configures logging for itself (Django's `LOGGING`, dictConfig, fileConfig,
`logging.shutdown()`, `logging.disable()`) changes nothing of these four loggers that it does not
name: they are not disabled, and their handlers stay open. Nothing that a filter, handler, formatter
or value raises comes out of a log call of the server: the line goes on without it, and is told of.

## Loggers of one's own

`logger_class` takes a subclass of `fastfork.logs.glogging.Logger`, which has the methods of
gunicorn's: `setup`, `access`, `atoms`, `now`, `critical` to `debug`, `exception`, `log`,
`reopen_files`, and the attributes `error_log`, `access_log`, `cfg`, `error_fmt`, `datefmt`,
`access_fmt`, `syslog_fmt`, `atoms_wrapper_class`, `access_log_enabled`. What the server logs goes
through these methods; `server.log` and `worker.log` of hooks are the object.

```python
# fastfork.conf.py
import logging
from fastfork.logs.glogging import Logger


class NoHealthChecks(logging.Filter):
    def filter(self, record):
        return "/healthz" not in record.getMessage()


class MyLogger(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        self.access_log.addFilter(NoHealthChecks())


logger_class = MyLogger
```

`logconfig`, `logconfig_dict` and `logconfig_json` configure the loggers `gunicorn.error` and
`gunicorn.access`, or `fastfork.error` and `fastfork.access`. Records have an attribute
`request_id` (`-` without) for formatters; `fastfork.logs.RequestIdFilter` on a handler gives it
to records of other loggers.

All of them make each access line by Python's logging, which costs several times what the compiled
way does: `python -m benchmarks.logs` shows how much. Where it is only about health checks, ids or
JSON, the settings above do without.

Where this differs from gunicorn: values are escaped; a file that is not there stops the start; a
logger that `logconfig_dict` does not name keeps the handler of `errorlog` or `accesslog`; a
reload with a logging configuration that fails keeps the one before; a dictConfig of the
application's that disables the loggers it does not name (the default) does not silence the server.

## System log

Messages are `<PRI>gunicorn.NAME.error: [PID] TEXT`, `.access` for the access log; NAME is
`syslog_prefix`, else `proc_name`, else the application. Each is a datagram, on a stream (tcp,
unix) a line. Nobody waits for the system log: what it does not take is lost,
and counted; a stream that takes nothing for 0.1 s is left alone for 5 s. The lines of a traceback
are one message, joined by ` | `. A name in the address is
looked up when the connection is made.

## Metrics

`statsd_host` sends these to a statsd or DogStatsD, by datagrams that are dropped where nobody
takes them:

"""

_BATCHES: Final = """\
A worker sends one datagram for the requests of a batch of access lines (50 ms, or 512 requests),
of at most 1432 bytes (8192 to a Unix socket). Counters are sums. When not all timings fit, a
sample of them is sent, spread evenly, with the rate that it stands for (`|@0.25`), which statsd
takes into account.

`fastfork.queue_wait` begins when a request is seen that then is in line for a thread, also in
another worker; else with the turn of the loop in which the kernel has reported the last bytes of
the request. What it waited in the kernel's queues before, nobody can tell. `fastfork.busy` is a
look at one moment.

A log call on the error log can bring a metric of its own, as with gunicorn:

```python
# fastfork.conf.py
def post_worker_init(worker):
    worker.log.info("", extra={"metric": "shop.starts", "value": 1, "mtype": "counter"})
```

with the types `gauge`, `counter`, `histogram` and `timer`.
"""


def render() -> str:
    """The page, ending in a newline."""
    atoms = [(f"`%({name})s`", what) for name, what in logformat.ATOMS.items()]
    atoms += [(f"`%({{name}}{letter})s`", what) for letter, what in logformat.NAMED_ATOMS.items()]
    metrics = [(f"`{name}`", kind, what) for name, (kind, what) in METRICS.items()]
    return "".join(
        (
            _PREFACE,
            table(("atom", "what it prints"), atoms),
            _ESCAPING,
            table(("metric", "type", "what it is"), metrics),
            _BATCHES,
        )
    )
