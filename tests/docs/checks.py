"""Checks blocks that are files: each language has one way to be run.

Runs in: cli
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from fastfork.cli.parser import CommandLineParser, OptionError
from fastfork.config import SETTINGS
from fastfork.config.kinds.hooks import HOOKS
from tests.docs.blocks import ROOT, BadBlock, Block
from tests.docs.sandbox import Sandbox
from tests.kit.programs import library, program, stream_of_nginx

EXTRAS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
INSTRUCTIONS = {
    "FROM", "RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "ENV", "ARG", "WORKDIR", "USER", "EXPOSE",
    "LABEL", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "SHELL",
}  # fmt: skip


def check(block: Block, sandbox: Sandbox) -> None:
    """Run or parse a block that is no console.  Raises AssertionError, BadBlock."""
    checker = CHECKS.get(block.language)
    if checker is None:
        known = ", ".join(["console", *CHECKS])
        raise BadBlock(f"{block.where}: nothing runs {block.language!r}; languages are {known}")
    if block.name:
        sandbox.write(block.name, block.text)
    else:
        sandbox.make_room(block.text)
    try:
        checker(block, sandbox)
    except (ValueError, SyntaxError, yaml.YAMLError, configparser.Error, OptionError) as error:
        raise AssertionError(f"{block.where}: {error}") from error


def _module(name: str) -> str:
    """The module that a file in the current directory, or in a package there, is."""
    path = Path(name).with_suffix("")
    return path.name if path.is_absolute() else ".".join(path.parts)


def _run(block: Block, sandbox: Sandbox, *words: str) -> str:
    """Run a program to its end, in the page's directory.  Returns what it said."""
    done = subprocess.run(
        words,
        cwd=sandbox.here,
        env=sandbox.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    said = sandbox.outside(done.stdout)
    assert done.returncode == 0, f"{block.where}: {words} ended with {done.returncode}:\n{said}"
    return said


def _is_config(name: str) -> bool:
    return Path(name).name.endswith((".conf.py", "conf.py", "fastfork.toml", "pyproject.toml"))


def _check_config(block: Block, sandbox: Sandbox) -> None:
    """`fastfork config check` takes it, and has nothing to say but for gunicorn's file."""
    name = sandbox.inside(block.name)
    said = _run(block, sandbox, "fastfork", "config", "check", "-c", name)
    assert not said, f"{block.where}: `fastfork config check` says:\n{said}"


def _check_python(block: Block, sandbox: Sandbox) -> None:
    """Settings are read by the server; other modules are imported, tests are for pytest."""
    if not block.name.endswith(".py"):
        raise BadBlock(f"{block.where}: the first line of a python block is `# NAME.py`")
    if _is_config(block.name):
        _only_settings(block)
        _check_config(block, sandbox)
    elif not Path(block.name).name.startswith("test_"):
        _have_imported(block)
        _run(block, sandbox, sys.executable, "-c", f"import {_module(block.name)}")


def _have_imported(block: Block) -> None:
    """A framework that a page's application imports is there, or the page is skipped."""
    for node in ast.walk(ast.parse(block.text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            if name.partition(".")[0] in _modules("test"):
                library(name.partition(".")[0])


def _modules(extra: str) -> list[str]:
    """Those of the packages that an extra brings, where they have the packages' names."""
    return [re.split(r"[^\w-]", one)[0].replace("-", "_") for one in EXTRAS[extra]]


def _only_settings(block: Block) -> None:
    """What a config file sets is a setting or a hook, or is used in it.

    A server leaves other names alone, so it would not notice that a page has a wrong one.
    """
    tree = ast.parse(block.text)
    given = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        given |= {target.id for target in targets if isinstance(target, ast.Name)}
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    unknown = given - used - set(SETTINGS) - set(HOOKS)
    assert not unknown, f"{block.where}: no settings: {sorted(unknown)}"


def _check_toml(block: Block, sandbox: Sandbox) -> None:
    tomllib.loads(block.text)
    if not _is_config(block.name):
        raise BadBlock(f"{block.where}: begin with `# fastfork.toml` or `# pyproject.toml`")
    _check_config(block, sandbox)


def _check_ini(block: Block, sandbox: Sandbox) -> None:
    """Units are verified by systemd; any other file is parsed."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(block.text)
    if not block.name:
        raise BadBlock(f"{block.where}: the first line of an ini block is `# NAME`")
    if not block.name.endswith((".service", ".socket")):
        return
    for section in parser.sections():
        for key in ("ExecStart", "ExecReload"):
            if words := shlex.split(parser[section].get(key, "")):
                _take_command(words)
                _pretend(sandbox, words[0])
    file = sandbox.here / sandbox.inside(block.name)
    _with_its_sibling(block, file, sandbox)
    said = _run(block, sandbox, program("systemd-analyze"), "verify", "--man=no", str(file))
    ours = [line for line in said.splitlines() if file.stem in line]
    assert not set(map(_without_place, ours)) - TOO_NEW, f"{block.where}: systemd: {said}"


# What an older systemd says of what it does not know yet; the unit says what to write there.
TOO_NEW = {"Failed to parse service type, ignoring: notify-reload"}  # systemd 253


def _without_place(line: str) -> str:
    return re.sub(r"^\S+:\d+: ", "", line)


def _with_its_sibling(block: Block, file: Path, sandbox: Sandbox) -> None:
    """A service and the socket of its name are loaded together, so both must be there."""
    for kind in (".service", ".socket"):
        beside = block.page.parent / "units" / file.with_suffix(kind).name
        if beside.exists():
            file.with_suffix(kind).write_text(sandbox.inside(beside.read_text()))
    if not file.with_suffix(".service").exists():
        file.with_suffix(".service").write_text("[Service]\nExecStart=/bin/true\n")


def _pretend(sandbox: Sandbox, executable: str) -> None:
    """Let there be a program where a unit has one."""
    path = Path(sandbox.inside(executable))
    if path.is_relative_to(sandbox.root) and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(sys.executable).parent / "fastfork")


def _check_nginx(block: Block, sandbox: Sandbox) -> None:
    """`nginx -t`; a part of a configuration is put where it belongs."""
    file = sandbox.root / "nginx.conf"
    file.write_text(_whole_nginx(sandbox.inside(block.text), sandbox.root))
    errors = str(sandbox.root / "nginx-errors.log")
    said = _run(block, sandbox, program("nginx"), "-t", "-c", str(file), "-e", errors)
    assert "[warn]" not in said, f"{block.where}: nginx says:\n{said}"


def _whole_nginx(text: str, root: Path) -> str:
    """A part of a configuration as a whole one, whose files are all below `root`."""
    if not re.search(r"^\s*(?:http|events|stream)\s*{", text, re.M):
        in_http = r"^\s*(?:server|upstream|map|geo|limit_\w+_zone|proxy_cache_path)\b"
        if not re.search(in_http, text, re.M):
            text = f"server {{ listen unix:{root}/nginx.socket;\n{text}\n}}"
        text = f"http {{ access_log off;\n{text}\n}}"
    kinds = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    files = " ".join(f"{kind}_temp_path {root}/{kind};" for kind in kinds)
    text = re.sub(r"^(\s*http\s*{)", rf"\1 {files}", text, count=1, flags=re.M)
    if not re.search(r"^\s*events\b", text, re.M):
        text = f"events {{}}\n{text}"
    if not re.search(r"^\s*pid\b", text, re.M):
        text = f"pid {root}/nginx.pid;\n{text}"
    if re.search(r"^\s*stream\b", text, re.M):
        text = f"{stream_of_nginx()}\n{text}"
    return text


def _check_haproxy(block: Block, sandbox: Sandbox) -> None:
    file = sandbox.root / "haproxy.cfg"
    file.write_text(sandbox.inside(block.text))
    said = _run(block, sandbox, program("haproxy"), "-c", "-f", str(file))
    assert "[ALERT]" not in said, f"{block.where}: haproxy says:\n{said}"


def _check_yaml(block: Block, _sandbox: Sandbox) -> None:
    found = [part for part in yaml.safe_load_all(block.text) if part is not None]
    assert found, f"{block.where}: nothing in it"
    for words in _argument_lists(found):
        _take_command(words)


def _argument_lists(value: Any) -> Iterator[list[str]]:
    """The commands of containers: `command` and `args` together, wherever they are."""
    if isinstance(value, dict):
        words = [*(value.get("command") or []), *(value.get("args") or [])]
        if words and all(isinstance(word, str) for word in words):
            yield words
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _argument_lists(part)


def _check_json(block: Block, _sandbox: Sandbox) -> None:
    json.loads(block.text)


def _check_dockerfile(block: Block, _sandbox: Sandbox) -> None:
    """Every instruction is one; what is installed and started is what there is."""
    text = re.sub(r"^\s*#.*\n", "", block.text, flags=re.M).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines, f"{block.where}: nothing in it"
    for line in lines:
        instruction, _, rest = line.partition(" ")
        assert instruction in INSTRUCTIONS, f"{block.where}: no instruction: {instruction}"
        if instruction in ("CMD", "ENTRYPOINT"):
            _take_command(json.loads(rest))
        elif instruction == "RUN":
            take_installation(block.where, rest)
            done = subprocess.run(["bash", "-n", "-c", rest], capture_output=True, text=True)
            assert done.returncode == 0, f"{block.where}: {done.stderr}"


def _take_command(words: list[str]) -> None:
    """Options of `fastfork` in a command are options that there are.  Raises OptionError."""
    for at, word in enumerate(words):
        if Path(word).name == "fastfork" and words[at + 1 : at + 2] not in (["config"], ["signal"]):
            CommandLineParser().options(words[at + 1 :])
            return


def take_installation(where: str, text: str) -> bool:
    """Whether `text` installs packages with pip; those of ours have extras that there are."""
    if "pip install" not in text:
        return False
    unknown = set(_extras(text)) - set(EXTRAS)
    assert not unknown, f"{where}: no extra {sorted(unknown)}; there are {sorted(EXTRAS)}"
    return True


def have_installed(text: str) -> None:
    """What a page's reader has after this `pip install`, the page's test needs too."""
    for extra in _extras(text):
        for name in _modules(extra):
            library(name)


def _extras(text: str) -> list[str]:
    found = re.findall(r"(?:fastfork|\.)\[([\w,-]+)\]", text)
    return [extra for several in found for extra in several.split(",")]


CHECKS: Final[Mapping[str, Callable[[Block, Sandbox], None]]] = {
    "python": _check_python,
    "toml": _check_toml,
    "ini": _check_ini,
    "nginx": _check_nginx,
    "haproxy": _check_haproxy,
    "yaml": _check_yaml,
    "json": _check_json,
    "dockerfile": _check_dockerfile,
}
