"""Values of the settings of logs, metrics and proxies: read, shown, and refused with advice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fastfork.config.kinds.basic import BadValue, Kind
from fastfork.config.kinds.logs import (
    DEFAULT_LOGGER,
    FACILITY,
    LOG_DICT,
    LOGGER_CLASS,
    NETWORKS,
    STATSD_ADDRESS,
    STATSD_PREFIX,
    STATSD_TAGS,
    SYSLOG_ADDRESS,
    URL_PATHS,
)
from fastfork.config.kinds.sinks import Sink, parse_statsd, parse_syslog
from fastfork.config.sources.loading import load


class Mine:
    """A class that a config file may name."""


@pytest.mark.parametrize(
    ("text", "sink"),
    [
        ("udp://localhost:514", Sink("udp", "localhost", 514)),
        ("udp://LOGS", Sink("udp", "logs", 514)),
        ("udp://", Sink("udp", "localhost", 514)),
        ("tcp://192.0.2.1:601", Sink("tcp", "192.0.2.1", 601)),
        ("tcp://[::1]:601", Sink("tcp", "::1", 601)),
        ("udp://[fe80::1]", Sink("udp", "fe80::1", 514)),
        ("unix:///dev/log", Sink("unix", path="/dev/log")),
        ("unix:///dev/log#dgram", Sink("dgram", path="/dev/log")),
        ("unix:///dev/log#stream", Sink("stream", path="/dev/log")),
    ],
)
def test_address_of_the_system_log_is_read(text: str, sink: Sink) -> None:
    assert parse_syslog(text) == sink
    assert SYSLOG_ADDRESS.parse(text) == text


@pytest.mark.parametrize(
    ("text", "sink"),
    [
        ("localhost", Sink("udp", "localhost", 8125)),
        ("localhost:9125", Sink("udp", "localhost", 9125)),
        ("udp://agent:1", Sink("udp", "agent", 1)),
        ("[::1]:8125", Sink("udp", "::1", 8125)),
        ("unix:///run/dogstatsd.sock", Sink("dgram", path="/run/dogstatsd.sock")),
    ],
)
def test_address_of_statsd_is_read(text: str, sink: Sink) -> None:
    assert parse_statsd(text) == sink
    assert STATSD_ADDRESS.parse(text) == text


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (STATSD_ADDRESS, None, None),
        (STATSD_ADDRESS, "", None),
        (STATSD_ADDRESS, ("localhost", 8125), "localhost:8125"),
        (STATSD_ADDRESS, ("::1", 8125), "[::1]:8125"),
        (STATSD_PREFIX, "shop.", "shop"),
        (STATSD_PREFIX, "shop..", "shop"),
        (STATSD_PREFIX, None, ""),
        (STATSD_TAGS, "a:b, c:d", "a:b,c:d"),
        (STATSD_TAGS, ["a:b", "c"], "a:b,c"),
        (STATSD_TAGS, None, ""),
        (FACILITY, "LOCAL0", "local0"),
        (LOG_DICT, None, None),
        (LOG_DICT, {}, None),
        (LOG_DICT, {"version": 1}, {"version": 1}),
        (LOG_DICT, '{"version": 1}', {"version": 1}),
        (LOGGER_CLASS, None, DEFAULT_LOGGER),
        (LOGGER_CLASS, "", DEFAULT_LOGGER),
        (LOGGER_CLASS, "simple", DEFAULT_LOGGER),
        (LOGGER_CLASS, "gunicorn.glogging.Logger", DEFAULT_LOGGER),
        (LOGGER_CLASS, "shop.logs:Mine", "shop.logs.Mine"),
        (LOGGER_CLASS, Mine, Mine),
        (NETWORKS, "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
        (NETWORKS, "*", ("*",)),
        (NETWORKS, ["192.0.2.7"], ("192.0.2.7",)),
        (NETWORKS, "", ()),
        (URL_PATHS, "/healthz,/static/*", ("/healthz", "/static/*")),
        (URL_PATHS, ["/a"], ("/a",)),
    ],
)
def test_value_is_read(kind: Kind[Any], given: object, value: object) -> None:
    assert kind.parse(given) == value
    assert kind.parse(kind.parse(given)) == value
    assert kind.show(kind.parse(given))


@pytest.mark.parametrize(
    ("kind", "given", "complaint"),
    [
        (SYSLOG_ADDRESS, "", "write udp://localhost:514"),
        (SYSLOG_ADDRESS, "localhost:514", "write udp://HOST:514"),
        (SYSLOG_ADDRESS, "http://a", "write udp://HOST:514"),
        (SYSLOG_ADDRESS, "udp://a:0", "port from 1 to 65535"),
        (SYSLOG_ADDRESS, "udp://a:99999", "port from 1 to 65535"),
        (SYSLOG_ADDRESS, "udp://a b", "write HOST:PORT"),
        (SYSLOG_ADDRESS, "unix://relative", "write a full path"),
        (SYSLOG_ADDRESS, f"unix:///{'x' * 120}", "write a full path"),
        (SYSLOG_ADDRESS, "unix:///dev/log#seqpacket", "#dgram or #stream"),
        (SYSLOG_ADDRESS, 514, "is no address"),
        (STATSD_ADDRESS, ":8125", "write HOST:8125"),
        (STATSD_ADDRESS, 8125, "is no address"),
        (STATSD_PREFIX, "a:b", "ends a name"),
        (STATSD_PREFIX, 1, "is not text"),
        (STATSD_TAGS, "a|b", "ends a tag"),
        (STATSD_TAGS, "a#b", "ends a tag"),
        (FACILITY, "local9", "is none of"),
        (LOG_DICT, "{", "is not JSON"),
        (LOG_DICT, [1], "is no dict"),
        (LOGGER_CLASS, "Mine", "names no class"),
        (LOGGER_CLASS, "a..b", "names no class"),
        (LOGGER_CLASS, 3, "is no class"),
        (NETWORKS, "10.0.0.1/8", "write 10.0.0.0/8"),
        (NETWORKS, "localhost", "is no address or network"),
        (URL_PATHS, "healthz", "is no path of a request"),
        (URL_PATHS, "/a/*/b", "is no path of a request"),
    ],
)
def test_bad_value_is_refused_with_what_to_write(
    kind: Kind[Any], given: object, complaint: str
) -> None:
    with pytest.raises(BadValue) as refused:
        kind.parse(given)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("options", "notice"),
    [
        ({"capture_output": True}, "capture_output: has no effect without a file"),
        ({"request_id_response": True}, "request_id_response: has no effect without request_id"),
        ({"syslog_prefix": "shop"}, "syslog_prefix: has no effect without syslog"),
        ({"statsd_prefix": "shop"}, "statsd_prefix: has no effect without statsd_host"),
        ({"access_log_format": "%(zz)s"}, "%(zz)s is no atom"),
    ],
)
def test_setting_without_effect_is_noticed(
    tmp_path: Path, options: dict[str, object], notice: str
) -> None:
    (told,) = load(options, {}, tmp_path).notices
    assert notice in told


def test_another_logger_may_have_atoms_of_its_own(tmp_path: Path) -> None:
    options = {"access_log_format": "%(zz)s", "logger_class": "shop.Logger"}
    assert load(options, {}, tmp_path).notices == []


def test_trusted_peers_come_from_gunicorns_variable(tmp_path: Path) -> None:
    loaded = load({}, {"FORWARDED_ALLOW_IPS": "10.0.0.0/8,::1"}, tmp_path)
    assert loaded.config.forwarded_allow_ips == ("10.0.0.0/8", "::1")


def test_files_of_logging_begin_at_chdir(tmp_path: Path) -> None:
    cfg = load({"logconfig": "a.ini", "logconfig_json": "b.json"}, {}, tmp_path).config
    assert cfg.logconfig == str(tmp_path / "a.ini")
    assert cfg.logconfig_json == str(tmp_path / "b.json")
