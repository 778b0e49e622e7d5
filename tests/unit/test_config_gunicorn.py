"""Every setting of gunicorn's table: here with the same name, option, type and default, or told.

gunicorn_settings.tsv holds the facts.
"""

from __future__ import annotations

import ast
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

import pytest

from fastfork.config import SETTINGS
from fastfork.config.gunicorn.leftout import PARTS, part_of
from fastfork.config.gunicorn.names import OTHER_SETTINGS
from fastfork.config.kinds.basic import BadValue
from fastfork.config.sources.options import OptionParser, read
from tools.reference.settings import render

TABLE = Path(__file__).with_name("gunicorn_settings.tsv")
DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "how-to" / "migrate-from-gunicorn.md"


@dataclass(frozen=True)
class Row:
    name: str
    flags: tuple[str, ...]
    type: str
    default: Any


def table() -> list[Row]:
    rows = []
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            name, flags, kind, default = line.split("\t")
            rows.append(Row(name, tuple(flags.split()), kind, ast.literal_eval(default)))
    return rows


ROWS = table()
HERE = [row for row in ROWS if row.name in SETTINGS]

# Parts of gunicorn that are left out for good.
FOR_GOOD = ("dirty workers", "control socket", "uWSGI protocol", "PasteDeploy")

# Defaults that are meant to be better; the guide says how each differs.
DEFAULTS = {
    "asgi_disconnect_grace_period",
    "config",
    "default_proc_name",
    "http2_initial_window_size",
    "limit_request_line",
    "worker_connections",
}

# A value of each type, as a config file has it and as a variable or option has it.
SAMPLES: dict[str, list[object]] = {
    "bool": [True, False, "true", "false"],
    "int>=0": [7, "7"],
    "int>=1": [7, "7"],
    "int<2^31": [65535, "65535"],
    "16384..16777215": [16384, "20000"],
    "csv": ["h2,h1", "h1", "h2", ["h2", "h1"]],
    "str": ["auto"],
    "str/class": ["sync"],
    "enum": ["auto"],
    "path": ["."],
    "uid/name": ["root", 0, "0"],
    "gid/name": ["root", 0, "0"],
    "addr": ["127.0.0.1", "127.0.0.1:8125", "unix:///run/statsd.sock"],
    "auto_int": [0o22, "0o22", "022"],
    "list[str]": [["127.0.0.1:8000"], "127.0.0.1:8000"],
    "list[path/glob]": [["*.html"], "*.html"],
    "list[ip/cidr/*]": ["*", "127.0.0.1,10.0.0.0/8", ["::1"]],
    "fn(server)": [lambda server: None],
    "fn(worker)": [lambda worker: None],
    "fn(server, worker)": [lambda server, worker: None],
    "fn(server, new, old)": [lambda server, new, old: None],
    "fn(worker, req)": [lambda worker, req: None],
    "fn(worker, req[, environ[, resp]])": [
        lambda worker, req: None,
        lambda worker, req, environ: None,
        lambda worker, req, environ, resp: None,
    ],
}
SAMPLES_BY_NAME: dict[str, list[object]] = {
    "cert_reqs": [0, 1, 2, "0", "2", ssl.CERT_REQUIRED],
    "ssl_version": [2, "TLSv1_2", ssl.PROTOCOL_TLS_SERVER],
    "ssl_context": [lambda config, default_factory: None],
    "raw_env": [["A=1", "B=2"], "A=1,B=2"],
    "http2_cleartext": ["off", "prior-knowledge"],
    "header_map": ["drop", "refuse", "dangerous"],
    "http_parser": ["auto", "fast", "python"],
    "proxy_protocol": ["off", "v1", "V2", "auto", True, False],
    "secure_scheme_headers": [{}, {"X-FORWARDED-PROTO": "https"}],
    "forwarder_headers": ["SCRIPT_NAME,PATH_INFO", ["REMOTE_USER"], "*"],
    "loglevel": ["debug", "INFO", "warning", "error", "critical"],
    "logconfig_dict": [{}, {"version": 1}],
    "logger_class": ["gunicorn.glogging.Logger", "simple", "shop.logs.Logger", dict],
    "reload_engine": ["auto", "poll", "inotify"],
    "syslog_addr": ["udp://localhost:514", "tcp://host:601", "unix:///dev/log#dgram"],
    "syslog_facility": ["user", "local0"],
    "worker_class": ["sync", "gunicorn.workers.sync.SyncWorker"],
}


def test_the_table_is_whole() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) == 120


def test_each_row_is_here_or_told_to_be_left_out() -> None:
    left_out = {row.name for row in ROWS} - set(SETTINGS)
    assert left_out == set(OTHER_SETTINGS)


def test_what_is_left_out_for_good_belongs_to_a_part_that_is() -> None:
    assert {part_of(name)[0] for name in OTHER_SETTINGS} == set(FOR_GOOD) == set(PARTS)


@pytest.mark.parametrize("row", HERE, ids=lambda row: row.name)
def test_options_are_gunicorns(row: Row) -> None:
    """Each is taken, and sets what gunicorn's sets."""
    for flag in row.flags:
        takes_value = not SETTINGS[row.name].kind.switch
        found = read(OptionParser(), [flag, "x"] if takes_value else [flag])
        value: object = not flag.startswith("--no-")
        if takes_value:
            value = ["x"] if SETTINGS[row.name].kind.many else "x"
        assert found == {row.name: value}


def test_proxy_protocol_without_a_value_is_either_version() -> None:
    assert read(OptionParser(), ["--proxy-protocol"]) == {"proxy_protocol": "auto"}
    parse = SETTINGS["proxy_protocol"].kind.parse
    assert [parse(value) for value in (True, False, None, "V1")] == ["auto", "off", "off", "v1"]
    with pytest.raises(BadValue, match="'v3' is none of off, v1, v2, auto; write"):
        parse("v3")


@pytest.mark.parametrize("row", HERE, ids=lambda row: row.name)
def test_values_of_gunicorns_type_are_taken(row: Row) -> None:
    samples = SAMPLES_BY_NAME.get(row.name) or SAMPLES[row.type]
    for sample in samples:
        SETTINGS[row.name].kind.parse(sample)


@pytest.mark.parametrize("row", HERE, ids=lambda row: row.name)
def test_default_is_gunicorns(row: Row) -> None:
    if isinstance(row.default, EllipsisType):
        return  # the process' own directory or account: nothing is changed
    spec = SETTINGS[row.name]
    same = spec.default == spec.kind.parse(row.default)
    assert same != (row.name in DEFAULTS), (spec.default, row.default)


@pytest.mark.parametrize("row", HERE, ids=lambda row: row.name)
def test_gunicorns_own_default_may_be_written(row: Row) -> None:
    if not isinstance(row.default, EllipsisType):
        SETTINGS[row.name].kind.parse(row.default)


@pytest.mark.skipif(not DOCS.is_dir(), reason="no checkout around the tests")
def test_guide_tells_of_every_default_that_differs() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [name for name in sorted(DEFAULTS) if f"`{name}`" not in guide] == []


def test_reference_lists_what_is_left_out() -> None:
    listed = render().partition("## Settings of gunicorn that are not here")[2]
    rows = [line for line in listed.splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])]
    assert sorted(named) == sorted(OTHER_SETTINGS)
