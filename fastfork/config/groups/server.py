"""Settings of the server as a whole: where it listens, what it runs, how it is set up.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import ADDRESSES, ENVIRONMENT, FLAG, FOLDER, PATH, TEXT, integer
from ..kinds.spec import setting

__all__ = ["FileSettings", "ProcessSettings", "SocketSettings"]


@record(frozen=True, kw_only=True)
class FileSettings:
    """Config file and application."""

    config: str | None = setting(
        None,
        PATH,
        "Config file: PATH, file:PATH or python:MODULE.",
        flags="-c --config",
        reload="server",
        more="A Python file whose top-level names are settings, or a TOML file (`.toml`; of a "
        "`pyproject.toml` the table `[tool.fastfork]`). Without this option the first of "
        "`fastfork.conf.py`, `fastfork.toml`, `pyproject.toml` (with that table) and "
        "`gunicorn.conf.py` is read that is in the directory named by `--chdir`, or in the "
        "current one; a line at start says so when it is gunicorn's, or when there are more. "
        "Its content is read again on every reload. It means nothing inside a config file.",
    )
    wsgi_app: str | None = setting(
        None,
        TEXT,
        "The application, MODULE:APP, when the command line names none.",
        reload="workers",
        more="`shop:app` is the attribute `app` of the module `shop`; `shop` alone means "
        "`shop:application`; `shop:create_app('prod', debug=False)` calls a factory with "
        "literal arguments.",
    )
    check_config: bool = setting(
        False,
        FLAG,
        "Check the settings, load the application, exit 0 or 1.",
        flags="--check-config",
        reload="server",
    )
    print_config: bool = setting(
        False,
        FLAG,
        "Print every setting and where it came from, then do as --check-config.",
        flags="--print-config",
        reload="server",
        more="What is printed is a config file. Without an application only the settings are "
        "checked.",
    )


@record(frozen=True, kw_only=True)
class SocketSettings:
    """Sockets."""

    bind: tuple[str, ...] = setting(
        ("127.0.0.1:8000",),
        ADDRESSES,
        "Address to listen on: HOST:PORT, [v6]:PORT, unix:PATH, fd://N, systemd:NAME; repeatable.",
        flags="-b --bind",
        env="PORT",
        env_form="0.0.0.0:{}",
        reload="live",
        more="A missing port is 8000, a missing host (`:8000`) every IPv4 interface, port 0 one "
        "that the kernel chooses. `[::]:PORT` is every interface of IPv6, and of IPv4 too where "
        "the system has it so (Linux: `net.ipv6.bindv6only` is 0) and no other address here has "
        "the port; beside `0.0.0.0:PORT` it is IPv6 alone, which only a restart changes. "
        "`unix:@NAME` is a name of the abstract space. `fd://N` is a listening socket that the "
        "parent process left open. With `PORT` in the environment the default is `0.0.0.0:$PORT`. "
        "`systemd:NAME` is the socket that systemd passed under that name, `systemd:` every one "
        "it passed. Sockets that it passed are used without this setting, and instead of the "
        "default; beside addresses that do not say systemd they are used too. A reload keeps the "
        "sockets whose address did not change, opens new ones before, and closes dropped ones "
        "when the old workers have served who waited there.",
    )
    backlog: int = setting(
        2048,
        integer(1, 65535),
        "Connections that may wait to be accepted, for each socket.",
        flags="--backlog",
        reload="live",
        more="The kernel cuts it to `net.core.somaxconn` (listen(2)).",
    )
    reuse_port: bool = setting(
        False,
        FLAG,
        "Give each worker a listening socket of its own (SO_REUSEPORT).",
        flags="--reuse-port",
        reload="server",
        more="The kernel divides new connections between the sockets (socket(7)). The arbiter "
        "makes them and keeps them while workers are replaced, so none of those that wait is "
        "lost; those that wait for a worker that is stuck wait until it is replaced. For TCP "
        "addresses only.",
    )


@record(frozen=True, kw_only=True)
class ProcessSettings:
    """Process."""

    chdir: str = setting(
        ".",
        FOLDER,
        "Directory to run in; it comes first in sys.path.",
        flags="--chdir",
        reload="workers",
        more="Relative paths of the other settings start there. A symbolic link on the way is "
        "followed anew by each reload; so is the current directory, where `$PWD` names it by a "
        "link. See [releases behind a symbolic link]"
        "(../how-to/reload-upgrade-stop.md#releases-behind-a-symbolic-link).",
    )
    pythonpath: str | None = setting(
        None,
        TEXT,
        "Directories for sys.path, with commas between them.",
        flags="--pythonpath",
        reload="workers",
        more="They come before `chdir`; relative ones start there.",
    )
    raw_env: tuple[str, ...] = setting(
        (),
        ENVIRONMENT,
        "Environment variable for the application, KEY=VALUE; may be repeated.",
        flags="-e --env",
        reload="workers",
        more="`SCRIPT_NAME=/shop`, here or in the environment of the server, says that the "
        "application is below /shop: SCRIPT_NAME of the environ is /shop and PATH_INFO what "
        "follows; a path that is not below it gets 500 and a line. A trusted proxy may send "
        "another one, see `forwarder_headers`. `SERVER_SOFTWARE` is set for the application, see "
        "`server_header`.",
    )
    preload_app: bool = setting(
        False,
        FLAG,
        "Load the application before the workers are forked.",
        flags="--preload",
        reload="server",
        more="Saves memory and start time. The application is loaded in a process of its own, "
        "the template, that the workers are forked from; a reload makes a new template with the "
        "new code. Needs Linux; elsewhere each worker loads the application for itself.",
    )
    refork: int = setting(
        0,
        integer(0, 2**31 - 1),
        "With preload_app, make a worker with so many requests the template (0 = never).",
        flags="--refork",
        reload="workers",
        more="What the application loads only with its first requests is then shared memory too: "
        "the others are forked anew from that worker. Once after each start and reload. It needs "
        "`preload_app` and one thread; connections that the application has open itself must be "
        "closed in the hook `before_refork`. See [memory](../how-to/memory.md).",
    )
    pidfile: str | None = setting(
        None, PATH, "File that holds the arbiter's pid.", flags="-p --pid", reload="server"
    )
    proc_name: str | None = setting(
        None,
        TEXT,
        "Name of the processes in ps and top.",
        flags="-n --name",
        reload="server",
        more="The full title, `fastfork: worker 2 [NAME] busy 3/8` (application threads that are "
        "busy; about once a second), needs setproctitle (`pip install fastfork[title]`); NAME is "
        "the application's without this setting. Without setproctitle only the short name is set "
        "(comm, 15 bytes), and only when this setting is given.",
    )
    default_proc_name: str | None = setting(
        None,
        TEXT,
        "Name of the processes when there is no proc_name.",
        reload="server",
        more="For config files that set it; gunicorn fills it in with the application's name, "
        "which is what this server uses without it.",
    )
    daemon: bool = setting(
        False,
        FLAG,
        "Go to the background when the server answers.",
        flags="-D --daemon",
        reload="server",
        more="The command returns when a worker has loaded the application, with exit code 0, or "
        "when the start has failed, with its exit code and after its messages. The umask of the "
        "processes is then 022. Not for systemd or containers, which keep track of the process "
        "that they started.",
    )
    enable_stdio_inheritance: bool = setting(
        False,
        FLAG,
        "Keep standard input, output and error in the background.",
        flags="-R --enable-stdio-inheritance",
        reload="server",
        more="Without it they are the null device once the server answers; a log on `-` ends "
        "there too.",
    )
    worker_tmp_dir: str | None = setting(
        None,
        PATH,
        "Accepted for gunicorn's sake, and without effect.",
        flags="--worker-tmp-dir",
        reload="server",
        more="It is where gunicorn keeps the files of its heartbeat. Here that is in shared "
        "memory and cannot wait for a disk.",
    )
