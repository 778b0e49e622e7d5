"""Settings of the logs.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from typing import Any

from fastfork.records import record

from ..kinds.basic import FLAG, FORMAT, LOG_PATH, PATH, TEXT, choice
from ..kinds.logformat import COMBINED
from ..kinds.logs import (
    DEFAULT_LOGGER,
    FACILITY,
    LOG_DICT,
    LOGGER_CLASS,
    SYSLOG_ADDRESS,
    URL_PATHS,
    LoggerClass,
)
from ..kinds.spec import setting

__all__ = ["LogSettings", "SyslogSettings"]


@record(frozen=True, kw_only=True)
class LogSettings:
    """Logs."""

    accesslog: str | None = setting(
        None,
        PATH,
        "File of the access log (- = standard output); none is written without it.",
        flags="--access-logfile",
        reload="workers",
    )
    access_log_format: str = setting(
        COMBINED,
        FORMAT,
        "Format of a line of the access log: combined, json, or one of your own.",
        flags="--access-logformat",
        reload="workers",
        more="[Logging](logging.md) lists the atoms. A format that is a JSON object is escaped as "
        "JSON, any other with `\\xHH`.",
    )
    access_log_exclude: tuple[str, ...] = setting(
        (),
        URL_PATHS,
        "Paths whose requests are not in the access log; /static/* means all below it.",
        flags="--access-log-exclude",
        reload="workers",
    )
    errorlog: str = setting(
        "-",
        LOG_PATH,
        "File of the error log (- = standard error).",
        flags="--error-logfile --log-file",
        reload="workers",
    )
    loglevel: str = setting(
        "info",
        choice("debug", "info", "warning", "error", "critical"),
        "Lowest level in the error log: debug, info, warning, error or critical.",
        flags="--log-level",
        reload="workers",
    )
    log_format: str = setting(
        "text",
        choice("text", "json"),
        "Form of both logs: lines of text, or a JSON object a line.",
        flags="--log-format",
        reload="workers",
        more="`json` makes the access log JSON too, unless `access_log_format` says otherwise.",
    )
    request_id: bool = setting(
        False,
        FLAG,
        "Give each request an id, in the environ and in both logs.",
        flags="--request-id",
        reload="workers",
        more="The `X-Request-Id` of a peer in `forwarded_allow_ips` is taken when it is 1 to 128 "
        "of the characters `A-Z a-z 0-9 . _ ~ + / = : @ -`, else one is made: 32 hexadecimal "
        "digits. It is `environ['fastfork.request_id']`, the atom `%(request_id)s`, and the end "
        "of each line of the access log when `access_log_format` is not set.",
    )
    request_id_response: bool = setting(
        False,
        FLAG,
        "Send the id of a request to the client, as X-Request-Id.",
        flags="--request-id-response",
        reload="workers",
    )
    capture_output: bool = setting(
        False,
        FLAG,
        "Send what is printed, to standard output or error, to the file of the error log.",
        flags="--capture-output",
        reload="workers",
        more="The access log stays where it is, also when that is standard output.",
    )
    logger_class: LoggerClass = setting(
        DEFAULT_LOGGER,
        LOGGER_CLASS,
        "Class that does the logging, with the methods of gunicorn's Logger.",
        flags="--logger-class",
        reload="workers",
        more="`gunicorn.glogging.Logger` and `simple` mean the default. Any other class is slower: "
        "each access line is made by its `access()`.",
    )
    logconfig: str | None = setting(
        None,
        PATH,
        "File for logging.config.fileConfig.",
        flags="--log-config",
        reload="workers",
        more="Loggers are `gunicorn.error` and `gunicorn.access`, or `fastfork.error` and "
        "`fastfork.access`. The access log is on with each of the three, and takes the slower way "
        "of `logger_class`.",
    )
    logconfig_dict: dict[str, Any] | None = setting(
        None,
        LOG_DICT,
        "Mapping for logging.config.dictConfig; wins over the other two.",
        reload="workers",
        more="Its top-level keys replace those of gunicorn's default: handlers `console` and "
        "`error_console`, formatter `generic`.",
    )
    logconfig_json: str | None = setting(
        None,
        PATH,
        "File with the JSON of a logconfig_dict; wins over logconfig.",
        flags="--log-config-json",
        reload="workers",
    )


@record(frozen=True, kw_only=True)
class SyslogSettings:
    """System log."""

    syslog: bool = setting(
        False,
        FLAG,
        "Send both logs to the system log too.",
        flags="--log-syslog",
        reload="workers",
    )
    syslog_addr: str = setting(
        "udp://localhost:514",
        SYSLOG_ADDRESS,
        "Where the system log is: udp://HOST:PORT, tcp://HOST:PORT or unix://PATH.",
        flags="--log-syslog-to",
        reload="workers",
        more="`unix:///dev/log#dgram` and `#stream` say which kind of socket; without, the kind "
        "that answers. Nobody waits for the system log: what it does not take is lost, counted, "
        "and told of in the error log.",
    )
    syslog_prefix: str | None = setting(
        None,
        TEXT,
        "Name in the system log: gunicorn.PREFIX.error and gunicorn.PREFIX.access.",
        flags="--log-syslog-prefix",
        reload="workers",
        more="Without it `proc_name`. The first word is gunicorn's, so that filters go on working.",
    )
    syslog_facility: str = setting(
        "user",
        FACILITY,
        "Facility of the system log, such as user, daemon or local0.",
        flags="--log-syslog-facility",
        reload="workers",
    )
    disable_redirect_access_to_syslog: bool = setting(
        False,
        FLAG,
        "Keep the access log out of the system log.",
        flags="--disable-redirect-access-to-syslog",
        reload="workers",
    )
