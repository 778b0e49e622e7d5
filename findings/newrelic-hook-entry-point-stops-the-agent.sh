#!/usr/bin/env bash
# newrelic 14.1.0: a package that registers an entry point in the group `newrelic.hooks` keeps New
# Relic's agent from starting at all, on Python 3.11.
#
# The agent reads that group when it starts, so one would guess that it is the way to plug one's own
# instrumentation in (and that a hook which cannot be used costs that hook).  It reads the attribute
# `module_name`, which entry points of pkg_resources have and those of importlib.metadata, which it
# uses now, have not: initialize() raises AttributeError out of the first such package, whoever
# brought it in.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" --disable-pip-version-check --quiet install newrelic==14.1.0 2>/dev/null || exit 2
site=$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
# What `pip install` of a package with that entry point leaves: its module and its metadata.
mkdir "$site/shophooks-1.0.dist-info"
printf 'def instrument(module):\n    pass\n' >"$site/shophooks.py"
printf 'Metadata-Version: 2.1\nName: shophooks\nVersion: 1.0\n' >"$site/shophooks-1.0.dist-info/METADATA"
printf '[newrelic.hooks]\nshop = shophooks:instrument\n' >"$site/shophooks-1.0.dist-info/entry_points.txt"
printf '[newrelic]\nlicense_key = none\napp_name = shop\ndeveloper_mode = true\n' >"$folder/newrelic.ini"
NEW_RELIC_LOG=stderr "$folder/venv/bin/python" - "$folder/newrelic.ini" <<'PY'
import importlib.metadata
import sys

import newrelic.agent

version = importlib.metadata.version("newrelic")
try:
    newrelic.agent.initialize(sys.argv[1])
except AttributeError as error:
    print(f"newrelic {version}, Python {sys.version.split()[0]}: initialize() raised {error!r}")
    sys.exit(0 if "module_name" in str(error) else 1)
print(f"newrelic {version}: the agent has started")
sys.exit(1)
PY
