"""Bugs to plant in what opens files below a directory; see mutants.py.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.mutant import Mutant

FILE = "beneath.c"

# The bug, the text, and what stands there instead.
_PLANTED = (
    ("an empty component", "if (n == 0 || (p[0] == '.'", "if (n && (p[0] == '.'"),
    ("one dot", "(n == 1 || (n == 2 && p[1] == '.'))", "(n == 2 && p[1] == '.')"),
    ("two dots", "(n == 1 || (n == 2 && p[1] == '.'))", "(n == 1)"),
    ("two dots where one would do", "n == 2 && p[1] == '.'", "n == 2"),
    ("what begins with a dot", "        return FF_NAME_HIDDEN;", "        return FF_NAME_OK;"),
    (".well-known is hidden", "n != 11 || memcmp", "n == 11 || memcmp"),
    (".well-knowns", "n != 11 || memcmp", "n < 11 || memcmp"),
    ("long components", "n > LONGEST_NAME ? FF_NAME_TOO_LONG : FF_NAME_OK", "FF_NAME_OK"),
    ("long names", "worst == FF_NAME_OK && n > LONGEST_PATH", "0"),
    ("NUL", "if (memchr(p, '\\0', n) != NULL)", "if (0)"),
    ("`..` behind what is hidden", "if (fault == FF_NAME_STRAYS)\n            return fault;",
     "if (worst != FF_NAME_OK)\n            return worst;"),
    ("only the last component counts", "if (worst == FF_NAME_OK)\n            worst = fault;",
     "worst = fault;"),
    ("a link is followed by walking", "flags | O_NOFOLLOW", "flags"),
    ("a link to a directory is no directory", "S_ISLNK(facts.st_mode))\n        return -ELOOP;",
     "S_ISLNK(facts.st_mode))\n        return fd;"),
    ("a FIFO is waited for", "O_CLOEXEC | O_NONBLOCK | O_NOCTTY", "O_CLOEXEC | O_NOCTTY"),
    ("programs inherit the file", "(O_RDONLY | O_CLOEXEC |", "(O_RDONLY |"),
    ("directories on the way stay open", "if (directory != root)\n            close(directory);",
     "if (directory == root)\n            close(dup(directory));"),
    ("the directory itself is closed", "if (directory != root)\n            close(directory);",
     "close(directory);"),
    ("a slash behind a file", "slash[1] == '\\0' ? HOW | O_DIRECTORY", "slash[1] == '\\0' ? HOW"),
    ("links may always lead out", "if (root->follows)", "if (!root->walks)"),
    ("links may never lead out", "if (root->follows)", "if (0)"),
    ("no name is no directory", 'if (*name == \'\\0\')\n        name = ".";', ""),
)  # fmt: skip

BENEATH = (
    *(Mutant(FILE, bug, old, new) for bug, old, new in _PLANTED),
    Mutant("port.h", "links lead out", "BENEATH | NO_MAGICLINKS}", "0}"),
)
