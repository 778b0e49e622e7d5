"""Where settings come from: precedence, origins, options in the environment, config files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fastfork.config import SETTINGS, Loaded, load
from fastfork.errors import ConfigError


def complaints(
    folder: Path, argv: Mapping[str, object] = {}, environ: Mapping[str, str] = {}
) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(argv, environ, folder)
    assert refused.value.exit_code == 1
    return str(refused.value).splitlines()


def load_file(folder: Path, text: str, name: str = "fastfork.conf.py") -> Loaded:
    (folder / name).write_text(text)
    return load({}, {}, folder)


def test_nothing_said_gives_the_defaults(tmp_path: Path) -> None:
    loaded = load({}, {}, tmp_path)
    assert loaded.config.workers == 1
    assert loaded.origins == dict.fromkeys(SETTINGS, "default")
    assert loaded.notices == []


def test_each_source_beats_the_one_below(tmp_path: Path) -> None:
    environ = {"WEB_CONCURRENCY": "2"}
    assert load({}, environ, tmp_path).config.workers == 2

    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    assert load({}, environ, tmp_path).config.workers == 3

    environ["GUNICORN_CMD_ARGS"] = "--workers 4"
    assert load({}, environ, tmp_path).config.workers == 4

    environ["FASTFORK_CMD_ARGS"] = "-w5"
    assert load({}, environ, tmp_path).config.workers == 5
    assert load({"workers": "6"}, environ, tmp_path).config.workers == 6


def test_origin_of_each_setting_is_kept(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("import os\n\nbacklog = 5\nbacklog = 6\n")
    environ = {
        "PORT": "80",
        "GUNICORN_CMD_ARGS": "--timeout 9",
        "FASTFORK_CMD_ARGS": "--keep-alive 5",
    }
    origins = load({"workers": "2"}, environ, tmp_path).origins
    assert origins["bind"] == "environment variable PORT"
    assert origins["backlog"].endswith("gunicorn.conf.py line 4")
    assert origins["timeout"] == "GUNICORN_CMD_ARGS"
    assert origins["keepalive"] == "FASTFORK_CMD_ARGS"
    assert origins["workers"] == "command line"
    assert origins["threads"] == "default"


def test_port_means_every_interface(tmp_path: Path) -> None:
    assert load({}, {"PORT": "5000"}, tmp_path).config.bind == ("0.0.0.0:5000",)


def test_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    environ = {"PORT": "", "WEB_CONCURRENCY": " ", "GUNICORN_CMD_ARGS": ""}
    loaded = load({}, environ, tmp_path)
    assert (loaded.config.bind, loaded.config.workers) == (("127.0.0.1:8000",), 1)


def test_all_bad_values_are_told_together_with_their_origins(tmp_path: Path) -> None:
    (tmp_path / "fastfork.conf.py").write_text("loglevel = 'inof'\n")
    environ = {"WEB_CONCURRENCY": "many", "GUNICORN_CMD_ARGS": "--backlog x --wokers 3"}
    lines = complaints(tmp_path, {"timeout": "soon", "bind": ["8000"]}, environ)
    assert lines == [
        "GUNICORN_CMD_ARGS: there is no option --wokers; did you mean --workers?",
        (
            "workers: 'many' is not an integer; write a whole number from 1 to 1024 "
            "(environment variable WEB_CONCURRENCY)"
        ),
        (
            "loglevel: 'inof' is none of debug, info, warning, error, critical; write info "
            f"({tmp_path / 'fastfork.conf.py'} line 1)"
        ),
        (
            "timeout: 'soon' is not a duration; write seconds, or a number with a unit, such as "
            "30, 500ms or 2m (command line)"
        ),
        (
            "bind: '8000' is a port without a host; write 127.0.0.1:8000 or 0.0.0.0:8000 "
            "(command line)"
        ),
    ]


def test_bad_port_is_told(tmp_path: Path) -> None:
    assert complaints(tmp_path, environ={"PORT": "http"}) == [
        (
            "bind: '0.0.0.0:http' has the port 'http'; write a number from 0 to 65535, such as "
            "8000 (environment variable PORT)"
        )
    ]


def test_value_that_is_overridden_is_not_looked_at(tmp_path: Path) -> None:
    assert load({"workers": "2"}, {"WEB_CONCURRENCY": "x"}, tmp_path).config.workers == 2


def test_options_in_a_variable_are_split_as_a_shell_does(tmp_path: Path) -> None:
    environ = {"GUNICORN_CMD_ARGS": "--access-logformat '%(h)s %(r)s' -e 'A=b c' -e B=1 --preload"}
    cfg = load({}, environ, tmp_path).config
    assert cfg.access_log_format == "%(h)s %(r)s"
    assert cfg.raw_env == ("A=b c", "B=1")
    assert cfg.preload_app is True


def test_open_quote_in_a_variable_is_told(tmp_path: Path) -> None:
    assert complaints(tmp_path, environ={"FASTFORK_CMD_ARGS": "--bind 'a"}) == [
        "FASTFORK_CMD_ARGS: cannot be split into words: No closing quotation; close the quotes"
    ]


def test_application_and_gunicorns_other_options_in_a_variable_are_noticed(
    tmp_path: Path,
) -> None:
    text = "--dirty-workers 2 --no-control-socket -w 2 shop:app"
    loaded = load({}, {"GUNICORN_CMD_ARGS": text}, tmp_path)
    assert loaded.config.workers == 2
    assert loaded.config.wsgi_app is None
    assert loaded.notices == [
        "GUNICORN_CMD_ARGS: only options are read from it; ignored: shop:app",
        "GUNICORN_CMD_ARGS: settings that this version does not have, ignored: --dirty-workers",
    ]
    assert loaded.remarks == [
        "GUNICORN_CMD_ARGS: settings that are not needed here: --no-control-socket"
    ]


def test_switch_can_be_turned_off_above_the_file_that_turned_it_on(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("preload_app = True\n")
    assert load({}, {}, tmp_path).config.preload_app is True
    assert load({"preload_app": False}, {}, tmp_path).config.preload_app is False
    assert load({}, {"GUNICORN_CMD_ARGS": "--no-preload"}, tmp_path).config.preload_app is False


# -- config files


def test_our_own_config_file_is_looked_for_first(tmp_path: Path) -> None:
    load_file(tmp_path, "workers = 2", "gunicorn.conf.py")
    loaded = load_file(tmp_path, "workers = 3", "fastfork.conf.py")
    assert loaded.config.workers == 3
    assert loaded.config.config == str(tmp_path / "fastfork.conf.py")


def test_config_file_is_looked_for_where_chdir_points(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "gunicorn.conf.py").write_text("workers = 2")
    assert load({}, {}, tmp_path).config.workers == 1
    assert load({"chdir": "site"}, {}, tmp_path).config.workers == 2


@pytest.mark.parametrize("form", ["deploy.py", "file:deploy.py", "./deploy.py"])
def test_config_file_is_named(tmp_path: Path, form: str) -> None:
    (tmp_path / "deploy.py").write_text("workers = 2")
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3")
    assert load({"config": form}, {}, tmp_path).config.workers == 2
    assert load({}, {"GUNICORN_CMD_ARGS": f"-c {form}"}, tmp_path).config.workers == 2


def test_config_can_be_a_module_that_is_read_afresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "deploy_settings_module.py"
    module.write_text("workers = 2")
    argv = {"config": "python:deploy_settings_module"}
    assert load(argv, {}, tmp_path).config.workers == 2
    module.write_text("workers = 3")
    assert load(argv, {}, tmp_path).config.workers == 3
    assert "deploy_settings_module" not in sys.modules


def test_config_file_is_read_afresh_on_each_load(tmp_path: Path) -> None:
    assert load_file(tmp_path, "workers = 2").config.workers == 2
    assert load_file(tmp_path, "workers = 3").config.workers == 3


def test_config_file_is_python_that_knows_its_own_place(tmp_path: Path) -> None:
    cfg = load_file(
        tmp_path,
        "import pathlib\nhere = pathlib.Path(__file__).parent\npidfile = here / 'x.pid'\n"
        "workers = len([name for name in ('a', 'b')])\nbind = 'a:1,b:2'\n",
    ).config
    assert cfg.pidfile == str(tmp_path / "x.pid")
    assert (cfg.workers, cfg.bind) == (2, ("a:1", "b:2"))


def test_application_can_be_named_in_the_file_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("wsgi_app = 'shop:app'")
    assert load({}, {}, tmp_path).config.wsgi_app == "shop:app"
    assert load({"wsgi_app": "other:app"}, {}, tmp_path).config.wsgi_app == "other:app"


@pytest.mark.parametrize("place", ["nope.py", "file:nope.py"])
def test_missing_config_file_is_told(tmp_path: Path, place: str) -> None:
    assert complaints(tmp_path, {"config": place}) == [
        "config: 'nope.py' does not exist (command line); write the path of a config file"
    ]


@pytest.mark.parametrize("place", ["python:no_such_module_here", "python:", "python:a b"])
def test_missing_config_module_is_told(tmp_path: Path, place: str) -> None:
    assert complaints(tmp_path, {"config": place}) == [
        (
            f"config: there is no module {place[7:]!r} (command line); write -c PATH, or put its "
            "directory into PYTHONPATH"
        )
    ]


def test_directory_and_binary_file_are_no_config_files(tmp_path: Path) -> None:
    assert complaints(tmp_path, {"config": "."}) == [
        "config: '.' cannot be read: Is a directory (command line)"
    ]
    (tmp_path / "core").write_bytes(b"\xff\xfe\x00")
    (line,) = complaints(tmp_path, {"config": "core"})
    assert line.startswith("config: 'core' is not Python text: ")
    (tmp_path / "big.py").write_text("#" * (1024 * 1024 + 1))
    assert complaints(tmp_path, {"config": "big.py"}) == [
        "config: 'big.py' is larger than 1 MiB (command line); name a config file"
    ]


def test_config_file_that_raises_is_told_from_its_own_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.conf.py"
    path.write_text("def count():\n    return 1 / 0\n\nworkers = count()\n")
    lines = complaints(tmp_path)
    assert lines[0] == f"config file {path} failed: ZeroDivisionError: division by zero"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[2] == f'  File "{path}", line 4, in <module>'
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert not any("fastfork" in line for line in lines if str(tmp_path) not in line)


def test_config_file_runs_in_a_module_whose_source_a_traceback_can_ask_for(tmp_path: Path) -> None:
    """Python 3.15 warns of frames whose module has no loader, and a warning may be an error."""
    text = (
        "assert __loader__ is __spec__.loader\n"
        "workers = len(__loader__.get_source(__name__).splitlines())\n"
    )
    assert load_file(tmp_path, text).config.workers == 2
    (tmp_path / "settings.conf").write_text(text)
    assert load({"config": "settings.conf"}, {}, tmp_path).config.workers == 2


def test_config_file_with_a_syntax_error_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gunicorn.conf.py"
    path.write_text("workers = 1\nbind = [\n")
    lines = complaints(tmp_path)
    assert lines[0].startswith(f"config file {path} failed: SyntaxError: ")
    assert lines[1] == f'  File "{path}", line 2'


def test_config_file_that_leaves_is_told(tmp_path: Path) -> None:
    path = tmp_path / "gunicorn.conf.py"
    path.write_text("import sys\nsys.exit('no database')\n")
    assert complaints(tmp_path)[0] == f"config file {path} failed: SystemExit: no database"


def test_bad_file_and_bad_option_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("1/0")
    lines = complaints(tmp_path, {"workers": "x"})
    assert any(line.startswith("config file ") for line in lines)
    assert any(line.startswith("workers: 'x'") for line in lines)


def test_slip_of_the_pen_gives_a_notice_and_own_names_give_none(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.conf.py"
    text = "import multiprocessing\ncores = 2\nworker = cores\ndef threds(): pass\n_bind = 1\n"
    assert load_file(tmp_path, text).notices == [
        f"{path} line 3: worker is not a setting; did you mean workers?"
    ]


def test_slip_in_a_setting_that_we_do_not_have_is_told_too(tmp_path: Path) -> None:
    """Else a certificate that is not used would go unnoticed."""
    path = tmp_path / "fastfork.conf.py"
    assert load_file(tmp_path, "cert_file = 'x'\n").notices == [
        f"{path} line 1: cert_file is not a setting; did you mean certfile?"
    ]


def test_gunicorns_other_settings_are_told_once_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.conf.py"
    text = "paste = 'x'\ndef on_dirty_starting(x): pass\nworkers = 2\ndirty_workers = 1\n"
    ignored = "settings that this version does not have, ignored"
    assert load_file(tmp_path, text).notices == [
        f"{path}: {ignored}: paste, on_dirty_starting, dirty_workers"
    ]


def test_config_inside_a_config_file_gives_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.conf.py"
    loaded = load_file(tmp_path, "config = 'other.py'")
    assert loaded.notices == [f"{path} line 1: config has no effect in a config file; use -c"]
    assert loaded.config.config == str(path)


def test_notices_come_with_the_complaints(tmp_path: Path) -> None:
    (tmp_path / "fastfork.conf.py").write_text("worker = 2\nworkers = 'x'\n")
    first, second = complaints(tmp_path)
    assert first.startswith("workers: 'x'")
    assert second.endswith("line 1: worker is not a setting; did you mean workers?")


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "config"])
def test_none_in_a_config_file_leaves_a_setting_as_it_is(tmp_path: Path, name: str) -> None:
    loaded = load_file(tmp_path, f"{name} = None\n")
    assert (loaded.origins[name], loaded.notices) == ("default", [])
    assert loaded.config == load_file(tmp_path, "").config


def test_none_in_a_config_file_leaves_what_a_variable_says(tmp_path: Path) -> None:
    (tmp_path / "fastfork.conf.py").write_text("workers = bind = None\n")
    config = load({}, {"WEB_CONCURRENCY": "3", "PORT": "80"}, tmp_path).config
    assert (config.workers, config.bind) == (3, ("0.0.0.0:80",))


@pytest.mark.parametrize("value", ["[]", "()"])
def test_empty_list_is_the_default_where_there_cannot_be_none(tmp_path: Path, value: str) -> None:
    loaded = load_file(tmp_path, f"bind = raw_env = reload_extra_files = {value}\n")
    assert loaded.config.bind == ("127.0.0.1:8000",)
    assert loaded.config.raw_env == loaded.config.reload_extra_files == ()
    assert loaded.origins["bind"] == "default"


def test_empty_list_of_those_who_are_trusted_is_nobody(tmp_path: Path) -> None:
    config = load_file(tmp_path, "forwarded_allow_ips = proxy_allow_ips = []\n").config
    assert (config.forwarded_allow_ips, config.proxy_allow_ips) == ((), ())


def test_empty_list_in_toml_is_the_default_too(tmp_path: Path) -> None:
    assert load_file(tmp_path, "bind = []\n", "fastfork.toml").origins["bind"] == "default"


def test_setting_that_we_do_not_have_and_that_is_none_is_not_told_of(tmp_path: Path) -> None:
    assert load_file(tmp_path, "paste = None\nprotocol = None\n").notices == []
