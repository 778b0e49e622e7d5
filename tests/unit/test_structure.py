"""The figures of the structure (tools/structure), and what they are for fastfork/."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tools.structure.__main__ import ROOT, main
from tools.structure.compiled import cimport_graph, classes, include_graph
from tools.structure.graph import Arrow, Graph, Module, circles
from tools.structure.python import import_graph


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def graph(*arrows: tuple[str, str], doors: tuple[str, ...] = ()) -> Graph:
    """Modules named folder/file, and these arrows between them."""
    names = {name for pair in arrows for name in pair}
    made = Graph()
    for name in names:
        folder = name.rpartition("/")[0]
        made.modules[name] = Module(name, folder, 1, is_door=name in doors)
    made.arrows = {Arrow(*pair) for pair in arrows}
    return made


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="no checkout around the tests")
def test_no_import_of_the_package_runs_up_or_in_a_circle() -> None:
    """When this fails: python -m tools.structure --list"""
    found = import_graph(ROOT, "fastfork")
    assert found.upward() == []
    assert found.circles() == []
    assert found.folder_circles() == []
    assert len(found.modules) > 200


def test_imports_of_all_forms_are_arrows(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "p/__init__.py": "",
            "p/a.py": "import p.b\nfrom p import c\nfrom p.d import thing\n",
            "p/b.py": "def late():\n    from . import c\n",
            "p/c.py": "if TYPE_CHECKING:\n    from .d import thing\nelse:\n    import p.b\n",
            "p/d.py": "import os\n",
        },
    )
    found = import_graph(tmp_path, "p")
    assert found.pairs() == {
        ("p.a", "p.b"),
        ("p.a", "p.c"),
        ("p.a", "p.d"),
        ("p.b", "p.c"),
        ("p.c", "p.d"),
        ("p.c", "p.b"),
    }
    assert ("p.c", "p.d") not in found.pairs(types=False)
    assert found.circles() == [["p.b", "p.c"]]


def test_relative_imports_of_a_package_and_of_a_module_are_told_apart(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "p/__init__.py": "from .q import x\n",
            "p/q/__init__.py": "from .r import y\nfrom ..s import z\n",
            "p/q/r.py": "from . import t\nfrom ..s import z\n",
            "p/q/t.py": "",
            "p/s.py": "",
        },
    )
    assert import_graph(tmp_path, "p").pairs() == {
        ("p", "p.q"),
        ("p.q", "p.q.r"),
        ("p.q", "p.s"),
        ("p.q.r", "p.q.t"),
        ("p.q.r", "p.s"),
    }


def test_arrows_of_the_weaker_direction_run_up() -> None:
    found = graph(("a/1", "b/1"), ("a/2", "b/1"), ("b/2", "a/3"), ("c/1", "a/1"))
    assert found.upward() == [("b/2", "a/3")]
    assert found.folder_circles() == [["a", "b"]]


def test_as_many_arrows_in_both_directions_make_half_of_them_run_up() -> None:
    assert len(graph(("a/1", "b/1"), ("b/2", "a/2")).upward()) == 1


def test_a_door_may_pass_on_names_of_its_own_folders_alone() -> None:
    arrows = (("a/door", "a/b/1"), ("a/b/2", "a/x"), ("a/b/3", "a/x"))
    assert graph(*arrows, doors=("a/door",)).upward() == []
    assert graph(*arrows).upward() == [("a/door", "a/b/1")]
    others = (("a/door", "c/1"), ("c/2", "a/x"), ("c/3", "a/x"))
    assert graph(*others, doors=("a/door",)).upward() == [("a/door", "c/1")]


def test_circles_are_found_whole_and_each_once() -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("e", "d"), ("f", "a")]
    assert circles("abcdef", pairs) == [["a", "b", "c"], ["d", "e"]]


def test_a_long_chain_needs_no_deep_stack() -> None:
    names = [str(number) for number in range(50_000)]
    pairs = list(pairwise(names))
    assert circles(names, pairs) == []
    assert len(circles(names, [*pairs, (names[-1], names[0])])[0]) == 50_000


def test_modules_of_cython_are_a_pyx_and_its_pxd(tmp_path: Path) -> None:
    write(
        tmp_path / "csrc",
        {
            "x/a.pyx": "from x.b cimport One, Two\nfrom x cimport c as d\nimport os\n",
            "x/a.pxd": "from x.b cimport (\n    One,\n    Two,\n)\n",
            "x/b.pyx": "from .c cimport Three\n",
            "x/b.pxd": "",
            "x/c.pxd": "from libc.stdint cimport int64_t\n",
            "plain.h": "",
            "plain.c": '#include "plain.h"\n#include "n/other.h"\n#include <errno.h>\n',
            "n/other.h": '#include "plain.h"\n',
        },
    )
    found = cimport_graph(tmp_path)
    assert found.pairs() == {("x.a", "x.b"), ("x.a", "x.c"), ("x.b", "x.c")}
    assert found.modules["x.a"].files == 2
    assert include_graph(tmp_path).pairs() == {("plain", "n/other"), ("n/other", "plain")}


def test_a_class_counts_with_its_bases(tmp_path: Path) -> None:
    write(
        tmp_path / "csrc",
        {
            "low.pyx": "cdef class Low:\n    cdef int a\n\n    def f(self):\n        pass\n\nX = 1",
            "high.pyx": (
                "@final\ncdef class High(Low):\n    def g(self,\n      b\n    ):\n        pass\n"
                "\n# a remark\n\n    def h(self): pass\n"
            ),
        },
    )
    high, low = classes(tmp_path)
    assert (low.name, low.lines, low.total, low.chain) == ("Low", 5, 5, ())
    assert (high.name, high.chain, high.total) == ("High", ("Low",), high.lines + 5)


def test_command_prints_a_row_for_each_graph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        tmp_path,
        {
            "fastfork/a/x.py": "import fastfork.b.y\n",
            "fastfork/b/y.py": "import fastfork.a.x\n",
            "csrc/one.pyx": "cdef class One:\n    pass\n",
        },
    )
    assert main(["--root", str(tmp_path), "--list"]) == 0
    shown = capsys.readouterr().out
    assert "| fastfork/ (import) | 2 | 2 | 2 | 2 | 1 | 1 | 1 |" in shown
    assert "circle of 2: fastfork.a.x, fastfork.b.y" in shown
    assert "Largest class with its bases: One, 2 lines." in shown


def test_command_wants_a_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--root", str(tmp_path)])
    assert "has no folder fastfork; name a checkout" in capsys.readouterr().err
