"""Builds the compiled modules; everything else about the package is in pyproject.toml.

Each `csrc/fastfork/_core/FOLDER/NAME.pyx` becomes the module `fastfork._core.FOLDER.NAME`; most of
them are in one file, see fastfork/_core/__init__.py.  The C that Cython writes goes to build/,
never beside the sources.

Environment switches (pip passes no flags to a build, the environment always arrives):

    FASTFORK_SANITIZE=1   AddressSanitizer and UBSan, -O1 -g
    FASTFORK_SANITIZE=thread   ThreadSanitizer, -O1 -g
    FASTFORK_DEBUG=1      -O0 -g, #line directives into the .pyx, bounds checks on; the core ends
                          the process where somebody touches the loop who does not own it
    FASTFORK_PORTABLE=1   on Linux, without what is Linux's alone (csrc/port.h): for tests
    FASTFORK_SYMBOLS=1    keep the names of functions, for valgrind, perf and gdb; so does --inplace
"""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CORE = Path("csrc/fastfork/_core")  # setuptools wants paths relative to setup.py

# What goes into -fsanitize=, "" for nothing.
SANITIZE = {"": "", "0": "", "thread": "thread"}.get(
    os.environ.get("FASTFORK_SANITIZE", ""), "address,undefined"
)
DEBUG = os.environ.get("FASTFORK_DEBUG", "") not in ("", "0")
PORTABLE = os.environ.get("FASTFORK_PORTABLE", "") not in ("", "0")
MODE = "-".join(
    [
        "core",
        *["sanitize"] * bool(SANITIZE),
        *["thread"] * (SANITIZE == "thread"),
        *["debug"] * DEBUG,
        *["portable"] * PORTABLE,
    ]
)
# A build with switches has a place of its own, so that it and the ordinary one do not undo
# each other.
BASE = "build" if MODE == "core" else f"build/{MODE}"
DIRECTIVES: dict[str, object] = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": False,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,
    "binding": False,
    "embedsignature": False,
    # The modules say that they need the interpreter lock (Py_mod_gil, PEP 703): see
    # docs/explanation/threads.md.
    "freethreading_compatible": False,
}

# -g0: distributions put -g among the flags of their Python, which makes the modules five times as
# large.
# -fno-plt and -fno-semantic-interposition: calls inside a module need no indirection.
# pointer-overflow: clang reports NULL + 0, which Cython writes for calls without arguments.
# The last line is about code that Cython generates, which nobody reads for style.
C_FLAGS = [
    *(["-O0", "-g"] if DEBUG else ["-O1", "-g"] if SANITIZE else ["-O3", "-g0"]),
    *["-DFASTFORK_DEBUG=1"] * DEBUG,
    *([f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer"] if SANITIZE else []),
    *(["-fno-sanitize=pointer-overflow"] if SANITIZE.startswith("address") else []),
    *["-DFF_PORTABLE"] * PORTABLE,
    *["-std=gnu11", "-fvisibility=hidden", "-fno-plt", "-fno-semantic-interposition"],
    *["-Wall", "-Wextra"],
    *["-Wno-unused-function", "-Wno-unused-parameter", "-Wno-missing-field-initializers"],
    *["-Wno-cast-function-type", "-Wno-unreachable-code", "-Wno-sign-compare"],
]
# Objects made otherwise than this are no use: file times do not show it.
HOW = " ".join(
    [MODE, *C_FLAGS, *(os.environ.get(name, "") for name in ("CC", "CFLAGS", "LDFLAGS"))]
)
ARCHIVE = "fastfork_plain"
TOGETHER = "fastfork._core.together"  # the file of many modules
# Modules that are built where libnghttp2 is.
HTTP_2 = frozenset(
    {"http2", "http2connection", "http2protocol", "http2reader", "http2receiver", "http2requests"}
)
LINK_FLAGS = [f"-fsanitize={SANITIZE}"] if SANITIZE else []
KEEPS_SYMBOLS = MODE != "core" or os.environ.get("FASTFORK_SYMBOLS", "") not in ("", "0")
STRIP_FLAGS = ["-Wl,-s"] if sys.platform == "linux" else []

WHAT_TO_INSTALL = {
    "Debian": "apt-get install build-essential python3-dev",
    "Red Hat": "dnf install gcc python3-devel",
    "Alpine": "apk add build-base python3-dev",
    "Arch": "pacman -S base-devel",
    "macOS": "xcode-select --install",
}


def fail(cause: str) -> None:
    """Stop the build with one paragraph: what is missing and what to type."""
    hints = "; ".join(f"{system}: {command}" for system, command in WHAT_TO_INSTALL.items())
    text = (
        f"fastfork cannot be built here: {cause}. Its hot path is compiled, so building it "
        f"from source needs a C compiler (gcc or clang) and the header files of the Python "
        f"that runs it, {platform.python_version()} at {sys.executable}. Install them and "
        f"run the same command again ({hints}; a Python made by pyenv, uv or from source "
        f"brings its own headers and needs only the compiler)."
    )
    raise SystemExit("\n" + textwrap.fill(text, 96, break_on_hyphens=False) + "\n")


def report(text: str) -> None:
    """Say how far the build is.  tools/install shows these lines of all that pip says."""
    print(f"fastfork: {text}", flush=True)


def compiles(command: list[str], source: str, link: Iterable[str] = ("-c",)) -> str:
    """'' when `source` compiles with `command`, else what the compiler said.

    link: flags behind the source, to link a program; without them it is compiled only.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "probe.c")
        path.write_text(source)
        call = [*command, str(path), *link, "-o", str(Path(directory, "probe.o"))]
        try:
            done = subprocess.run(call, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return "" if done.returncode == 0 else done.stderr or f"exit status {done.returncode}"


def said_first(command: list[str]) -> str:
    """The first line that a program prints, or why there is none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout or done.stderr).partition("\n")[0] or f"exit status {done.returncode}"


def cython_version() -> str:
    """'' when there is none; the build says so later."""
    try:
        from Cython import __version__
    except ImportError:
        return ""
    return str(__version__)


def is_newer(made: Iterable[Path], sources: Iterable[Path]) -> bool:
    """Whether all of `made` are there and none was made before the last change of a source.

    Cython itself looks at its own files too, and pip brings new ones to each build: every module
    would be translated, and so compiled, again.
    """
    changed = max(path.stat().st_mtime for path in sources)
    return all(path.exists() and path.stat().st_mtime >= changed for path in made)


def readme() -> str:
    """README.md for a package index, where a link into the tree leads nowhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = re.search(r'__version__ = "(.+)"', (ROOT / "fastfork/__init__.py").read_text())
    assert found is not None
    home, tag = project["urls"]["Repository"], f"v{found[1]}"

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1] == "!" else "tree" if link[3].endswith("/") else "blob"
        return f"{link[1]}{link[2]}({home}/{kind}/{tag}/{link[3]})"

    text = (ROOT / "README.md").read_text()
    return re.sub(r"(!?)(\[[^]]*\])\((?![a-z]+:|#)([^)\s]+)\)", absolute, text)


def check_compiler() -> None:
    """Find out before Cython runs, and say it better than a failed compiler call would."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if not command or shutil.which(command[0]) is None:
        name = command[0] if command else "cc"
        origin = "the CC variable of the environment" if os.environ.get("CC") else "this Python"
        fail(f"the C compiler '{name}' (named by {origin}) is not on the PATH")
    if said := compiles(command, "#include <stddef.h>\n#include <stdio.h>\nint probe;\n"):
        fail(f"the C compiler '{command[0]}' does not work ({said.strip().splitlines()[0]})")
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("include", "platinclude"))
    includes = [f"-I{path}" for path in paths]
    if compiles([*command, *includes], "#include <Python.h>\n"):
        fail(f"there is no usable Python.h in {' or '.join(paths)}")


def said(command: list[str]) -> list[str]:
    """The words that a program prints; none where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.split() if done.returncode == 0 else []


def nghttp2() -> list[str] | None:
    """Flags to compile and link with libnghttp2; None where it cannot be linked with, or is older
    than 1.52, the first that knows the priorities of RFC 9218 and the limits used here."""
    flags = said(["pkg-config", "--cflags", "--libs", "libnghttp2"]) or ["-lnghttp2"]
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    probe = "#include <nghttp2/nghttp2.h>\n#if NGHTTP2_VERSION_NUM < 0x013400\n#error old\n#endif\n"
    probe += "int main(void) { return nghttp2_version(0) == 0; }\n"
    return None if compiles(command, probe, flags) else flags


def is_apart(name: str) -> bool:
    """Whether a module, of a dotted name, has a file of its own."""
    return name.rpartition(".")[2] in apart()


def apart() -> frozenset[str]:
    """The names of the modules that have a file of their own."""
    source = (ROOT / "fastfork/_core/__init__.py").read_text()
    (given,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "APART"
    )
    stems = (one.value for one in ast.walk(given) if isinstance(one, ast.Constant))
    return frozenset(stems)


def extensions() -> list[Extension]:
    """One extension a .pyx file; those of HTTP_2 only where their library is."""
    http2 = nghttp2()
    plain_c = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.[ch]"))
    return [Extension(TOGETHER, [], extra_link_args=LINK_FLAGS)] + [
        Extension(
            ".".join(path.relative_to(ROOT / "csrc").with_suffix("").parts),
            [str(path.relative_to(ROOT))],
            include_dirs=["csrc"],
            depends=plain_c,
            extra_compile_args=[*C_FLAGS, *flags_of(path, http2, "-I")],
            extra_link_args=[*LINK_FLAGS, *flags_of(path, http2, "-L", "-l")],
        )
        for path in sorted((ROOT / CORE).rglob("*.pyx"))
        if http2 is not None or path.stem not in HTTP_2
    ]


def flags_of(path: Path, http2: list[str] | None, *kinds: str) -> list[str]:
    """Those of libnghttp2's flags that begin like this, for a module that needs it."""
    return [flag for flag in http2 or () if path.stem in HTTP_2 and flag.startswith(kinds)]


class BuildCore(build_ext):
    """Checks the compiler, runs Cython into build/, then compiles, both on every core."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()
        self.links = LINK_FLAGS + ([] if self.inplace or KEEPS_SYMBOLS else STRIP_FLAGS)
        self.force = self.force or self.mode_changed()

    def mode_changed(self) -> bool:
        """Objects of another switch setting look up to date to the file times.

        Modules that are built in place share that place whatever the switches.
        """
        tag = sys.implementation.cache_tag
        marker = ROOT / "build" / f"inplace-{tag}" if self.inplace else ROOT / BASE / f"mode-{tag}"
        before = marker.read_text() if marker.exists() else ""
        how = " ".join([HOW, *self.links, cython_version()])
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(how)
        return before != how

    def run(self) -> None:
        check_compiler()
        super().run()
        self.record_build()

    def build_extensions(self) -> None:
        try:
            from Cython.Build import cythonize
        except ImportError:
            raise SystemExit(
                "fastfork is built with Cython 3.1 or newer; pip installs it by itself, but "
                "with --no-build-isolation type first: pip install 'cython>=3.1,<4'"
            ) from None
        (together,) = (one for one in self.extensions if one.name == TOGETHER)
        modules = [one for one in self.extensions if one is not together]
        translated = {
            extension.name: Path("build", MODE, extension.sources[0]).with_suffix(".c")
            for extension in modules
        }
        if self.force or not is_newer(translated.values(), ROOT.glob("csrc/**/*.p[xy][dxi]")):
            report(f"Cython translates {len(modules)} modules")
            cythonize(
                modules,
                nthreads=self.parallel,
                build_dir=f"build/{MODE}",
                include_path=["csrc"],
                compiler_directives=DIRECTIVES,
                emit_linenums=DEBUG,
                force=self.force,
                quiet=True,
            )
        for extension in modules:
            extension.sources = [str(translated[extension.name])]
        for extension in self.extensions:
            extension.extra_link_args = [*self.links, *extension.extra_link_args[len(LINK_FLAGS) :]]
        self.build_plain_c()
        self.built, self.modules = count(1), len(modules)
        self.build_together(together, [one for one in modules if not is_apart(one.name)])
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        made = [Path(self.get_ext_fullpath(ext.name))]
        is_made = not self.force and is_newer(made, map(Path, [*ext.sources, *ext.depends]))
        super().build_extension(ext)
        if not is_made and ext.name != TOGETHER:
            self.report_compiled(ext)

    def report_compiled(self, ext: Extension) -> None:
        report(f"compiled {next(self.built)} of {self.modules}: {ext.name}")

    def build_together(self, together: Extension, members: list[Extension]) -> None:
        """Compile the modules that are in one file, on every core, and have that file linked.

        A file that one of them had before is removed: it would go into a wheel.
        """
        self.extensions = [one for one in self.extensions if one not in members]
        for one in members:
            for folder in (self.build_lib, "."):
                Path(folder, self.get_ext_filename(one.name)).unlink(missing_ok=True)
        with ThreadPoolExecutor(self.parallel) as pool:
            objects = list(pool.map(self.compiled, members))
        together.depends = [*objects, "fastfork/_core/__init__.py"]  # which says who is in it
        together.extra_objects = [*objects, *together.extra_objects]

    def compiled(self, ext: Extension) -> str:
        """The object of a module, made anew when anything that it depends on has changed."""
        (made,) = self.compiler.object_filenames(ext.sources, output_dir=self.build_temp)
        if self.force or not is_newer([Path(made)], map(Path, [*ext.sources, *ext.depends])):
            self.compiler.compile(
                ext.sources,
                output_dir=self.build_temp,
                include_dirs=ext.include_dirs,
                extra_postargs=ext.extra_compile_args,
                depends=ext.depends,
            )
            self.report_compiled(ext)
        return str(made)

    def record_build(self) -> None:
        """Write what `fastfork --version --verbose` says of the build, beside the modules."""
        command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        flags = [os.environ.get("CFLAGS", ""), *C_FLAGS, *self.links]
        record = {
            "compiler": said_first([*command, "--version"]),
            "flags": " ".join(filter(None, flags)),
            "cython": cython_version(),
        }
        place = Path(self.get_ext_fullpath(TOGETHER)).parent
        place.joinpath("build.json").write_text(json.dumps(record, indent=1) + "\n")

    def build_plain_c(self) -> None:
        """Compile csrc/**/*.c once, into an archive that every module is linked with.

        From an archive the linker takes what a module refers to and nothing else, so each
        module gets its own hidden copy of what it uses: a few KiB, no symbol visible to
        other extensions of the process, and no list of who needs what.
        """
        sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("csrc/**/*.c"))
        if not sources:
            return
        objects = self.compiler.compile(
            sources, output_dir=self.build_temp, include_dirs=["csrc"], extra_postargs=C_FLAGS
        )
        archive = Path(self.compiler.library_filename(ARCHIVE, output_dir=self.build_temp))
        archive.unlink(missing_ok=True)  # ar would keep members that are gone from the tree
        self.compiler.create_static_lib(objects, ARCHIVE, output_dir=self.build_temp)
        for extension in self.extensions:
            extension.extra_objects = [str(archive)]


class BuildPython(build_py):
    """Copies the Python files; a module deleted from the tree leaves build/lib too."""

    def run(self) -> None:
        if not self.editable_mode:
            for old in Path(self.build_lib).rglob("*.py*"):
                if not (ROOT / old.relative_to(self.build_lib)).exists():
                    old.unlink()
        super().run()


if __name__ == "__main__":  # Cython's processes may import this file again
    setup(
        ext_modules=extensions(),
        long_description=readme(),
        long_description_content_type="text/markdown",
        cmdclass={"build_ext": BuildCore, "build_py": BuildPython},
        options={"build": {"build_base": BASE}},
    )
