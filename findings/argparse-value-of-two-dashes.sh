#!/usr/bin/env bash
# CPython 3.11: argparse gives an empty list, not a str, for an option of one value that is
# written `--option=--`; a `type` is not asked either.
#
# One would guess that what stands behind `=` is the value, whatever it is: "--" there, and with
# type=int a usage error.  The two dashes are taken for the mark that ends the options instead and
# removed from the values of the option, of which none is left.  So a program gets a list where its
# option promises a str or an int, and fails far from the command line.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
"$python" - <<'PY'
import argparse
import sys

if sys.version_info[:2] != (3, 11):
    print(f"this is about CPython 3.11, not {sys.version.split()[0]}")
    sys.exit(2)
parser = argparse.ArgumentParser(exit_on_error=False)
parser.add_argument("--name")
parser.add_argument("--count", type=int)
name = parser.parse_args(["--name=--"]).name
count = parser.parse_args(["--count=--"]).count
apart = parser.parse_args(["--name=-- "]).name
print(f"Python {sys.version.split()[0]}: --name=-- is {name!r}, --count=-- is {count!r}, and "
      f"with a blank behind it, {apart!r}")
sys.exit(0 if name == [] and count == [] and apart == "-- " else 1)
PY
