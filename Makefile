# make help lists the targets.  Everything is set up in .venv; nothing outside the checkout
# is changed but pip's own cache.  Another Python: make test PYTHON=python3.13

PYTHON ?= python3
VENV ?= .venv
CLANG ?= clang
GCC ?= gcc
BIND ?= 127.0.0.1:8000
APP ?= fastfork.demo:app
ARGS ?=
CORES := $(shell nproc)
# Processes that run tests.  Most of their time is waiting, for other processes and for deadlines.
JOBS ?= $(shell expr 2 \* $(CORES))
FUZZ_SECONDS ?= 60
# Other ASGI servers, of versions whose failures are known (tests/asgi/PEERS.md).
ASGI_PEERS := 'uvicorn[standard]==0.54.0' granian==2.8.9 hypercorn==0.18.0 h2corn==2.0.0

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# The installed package, never the checkout: no directory is put before site-packages.
RUN := env -u PYTHONPATH PYTHONSAFEPATH=1 FASTFORK_TEST_INSTALLED=1 $(PY)
SOURCES := setup.py pyproject.toml MANIFEST.in README.md \
    $(shell find fastfork csrc -type f \( -name '*.py' -o -name '*.py[xi]' -o -name '*.pxd' \
        -o -name '*.pxi' -o -name '*.[ch]' -o -name py.typed \))
SIDE_BY_SIDE = --numprocesses $(JOBS) --dist worksteal
CREATED := $(VENV)/.created
INSTALLED := $(VENV)/.installed
EXTRA := $(VENV)/.extra
# An environment of its own with the modules under ASan and UBSan.  fuzzer-no-link: they count
# the branches they take, which only a fuzzer looks at.
SANITIZED := build/sanitized
SANITIZED_RUN = env -u PYTHONPATH PYTHONSAFEPATH=1 FASTFORK_TEST_INSTALLED=1 $(SANITIZED)/bin/python
IN_SANITIZED = env CC='$(CLANG)' CFLAGS=-fsanitize=fuzzer-no-link FASTFORK_SANITIZE=1 \
    $(MAKE) --no-print-directory VENV=$(SANITIZED)
# The same under ThreadSanitizer.  It sees the accesses of our modules alone; of CPython, which is
# not compiled for it, only the locks, and by those it knows the order of our accesses.
RACES := build/races
RACES_RUN = env -u PYTHONPATH PYTHONSAFEPATH=1 FASTFORK_TEST_INSTALLED=1 $(RACES)/bin/python
# The same without what is Linux's alone: csrc/port.h.
PORTABLE := build/portable
PORTABLE_RUN = env -u PYTHONPATH PYTHONSAFEPATH=1 FASTFORK_TEST_INSTALLED=1 $(PORTABLE)/bin/python
IN_PORTABLE = env FASTFORK_PORTABLE=1 $(MAKE) --no-print-directory VENV=$(PORTABLE)
IN_RACES = env CC='$(GCC)' FASTFORK_SANITIZE=thread $(MAKE) --no-print-directory VENV=$(RACES)
# Not with gevent: ASan takes the stacks that greenlets change under it for errors.
# These compute all the time, with much memory.
SANITIZE_TESTS := --numprocesses $(CORES) --dist worksteal \
    --ignore=tests/wire/test_corpus_on_gevent.py \
    --deselect "tests/http2/test_corpus_over_sockets.py::test_rules_are_kept[greenlets]" \
    tests/wire tests/fuzz tests/http2 $(wildcard tests/unit/test_hub_*.py tests/unit/test_websocket_*.py \
    tests/unit/test_response_*.py tests/unit/test_body_*.py tests/unit/test_environ*.py \
    tests/unit/test_http_*.py tests/unit/test_http2_*.py)

.PHONY: help serve test unit lint c-test c-test-arm64 c-test-musl smoke-arm64 chaos mutants-core bench instructions wheels-check \
    sdist slow soak docs docs-reference structure changelog inplace clean fuzz sanitize-test sanitized \
    portable test-portable \
    flat forks meddle rotation schedules races helgrind bench-latency bench-sleepers bench-deaths \
    bench-together bench-start bench-floor bench-static bench-asgi asgi-peers http2-peers autobahn
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=$(PYTHON) VENV=$(VENV) JOBS=$(JOBS) BIND=$(BIND) APP=$(APP) ARGS=... change what they use"

serve: $(INSTALLED) ## build, install, serve the demo app on 127.0.0.1:8000
	$(PY) -P -m fastfork --bind $(BIND) $(ARGS) $(APP)

test: $(INSTALLED) $(EXTRA)-test ## build, install, run every test (ARGS="-k name" for some)
	$(RUN) -m pytest $(or $(ARGS),$(SIDE_BY_SIDE))

unit: $(INSTALLED) $(EXTRA)-test ## the tests that start no server
	$(RUN) -m pytest tests/unit $(ARGS)

lint: export PATH := $(abspath $(VENV)/bin):$(PATH)
lint: $(EXTRA)-dev $(EXTRA)-test ## ruff, mypy --strict, cython-lint, import-linter
	ruff check .
	mypy --strict
	@# typeshed knows which system has which name
	mypy --strict --platform darwin
	mypy --strict --platform freebsd
	mypy --strict --explicit-package-bases tests/kit tests/docs tests/fuzz tests/schedules tests/asgi tests/http2 \
	    tests/conftest.py tools
	cython-lint csrc
	lint-imports

c-test: ## the plain C under ASan and UBSan, its thread under TSan
	$(MAKE) -C tests/c

c-test-arm64: ## the plain C for arm64 with its NEON, run by qemu-user
	$(MAKE) -C tests/c arm64

c-test-musl: ## the plain C with musl's C library
	$(MAKE) -C tests/c musl

smoke-arm64: ## the server for arm64, serving under qemu-user; 10 minutes
	PYTHON=$(PYTHON) tools/arm64-smoke build/arm64

mutants-core: $(EXTRA)-dev $(EXTRA)-test ## plant bugs in the compiled core, see that tests catch them (long)
	$(PY) -m tests.wire.mutants_core $(ARGS)

fuzz: sanitized ## fuzzers side by side, FUZZ_SECONDS=60 each (ARGS="hub" one, "--keep")
	@$(IN_SANITIZED) $(SANITIZED)/.extra-fuzz
	@$(MAKE) --no-print-directory -C tests/c ../../build/ctests/fuzz_head \
	    ../../build/ctests/fuzz_chunked ../../build/ctests/fuzz_preface \
	    ../../build/ctests/fuzz_websocket ../../build/ctests/fuzz_http2
	$(SANITIZED_RUN) -m tests.fuzz.run --seconds $(FUZZ_SECONDS) $(ARGS)

sanitize-test: sanitized ## what parses and answers, on modules under ASan and UBSan
	tools/sanitized $(SANITIZED_RUN) -m pytest $(or $(ARGS),$(SANITIZE_TESTS))

test-portable: portable ## wire and server tests on what other systems than Linux get (long)
	$(PORTABLE_RUN) -m pytest $(or $(ARGS),$(SIDE_BY_SIDE) tests/unit tests/wire tests/server)

portable:
	@$(IN_PORTABLE) $(PORTABLE)/.installed $(PORTABLE)/.extra-test

flat: $(INSTALLED) $(EXTRA)-test ## 100,000 requests of the corpus each way: does memory grow?
	FASTFORK_FLAT_REQUESTS=100000 $(RUN) -m pytest -s -o faulthandler_timeout=0 \
	    tests/wire/test_flat_memory.py $(ARGS)

forks: sanitized ## applications that fork all the time, on modules under ASan; 10 minutes
	FASTFORK_FORK_SECONDS=$${FASTFORK_FORK_SECONDS:-200} tools/sanitized $(SANITIZED_RUN) -m pytest \
	    -s -o faulthandler_timeout=0 --timeout 900 tests/server/test_fork_stress.py \
	    $(or $(ARGS),-k "not greenlets")

sanitized:
	@$(IN_SANITIZED) $(SANITIZED)/.installed $(SANITIZED)/.extra-test

chaos: export FASTFORK_CHAOS ?= 100
chaos: export FASTFORK_RESTARTS ?= 20
chaos: $(INSTALLED) $(EXTRA)-test ## mixed traffic while everything is replaced, 100 times each
	$(RUN) -m pytest -s -o faulthandler_timeout=0 tests/server/test_chaos.py tests/server/test_asgi_chaos.py \
	    tests/server/test_arbiter_endurance.py tests/server/test_behind_balancers.py \
	    tests/server/test_behind_proxies_restart.py $(ARGS)

rotation: export FASTFORK_ROTATION ?= 300
rotation: $(INSTALLED) $(EXTRA)-test ## logs rotated five times a second, reloads, traffic: for five minutes
	$(RUN) -m pytest -s -o faulthandler_timeout=0 tests/server/test_log_rotation.py $(ARGS)

meddle: export FASTFORK_MEDDLE ?= 600
meddle: $(INSTALLED) $(EXTRA)-test ## ten minutes: the application's threads call whatever they were given
	$(RUN) -m pytest -s -o faulthandler_timeout=0 tests/server/test_meddling.py $(ARGS)

schedules: $(INSTALLED) $(EXTRA)-test ## 1,000 random schedules of requests of every kind (ARGS="--dev")
	$(RUN) -m tests.schedules.run $(ARGS)

races: ## schedules on modules under ThreadSanitizer: a data race in our code fails
	@$(IN_RACES) $(RACES)/.installed $(RACES)/.extra-test
	tools/raced $(RACES_RUN) -m tests.schedules.run --patience 5 --schedules 100 $(ARGS)

helgrind: $(INSTALLED) $(EXTRA)-test ## schedules on a server under valgrind's helgrind
	$(RUN) -m tests.schedules.helgrind $(ARGS)

# Its parts are targets of their own.  ARGS are those of benchmarks.run.
bench: ## side by side with the other servers that are installed; an hour and a half
	$(MAKE) --no-print-directory bench-together bench-start ARGS=
	$(MAKE) --no-print-directory bench-floor

bench-floor: $(INSTALLED) $(EXTRA)-bench ## what a request costs above the floor; 40 minutes
	$(RUN) -m benchmarks.run $(ARGS)

bench-together: $(INSTALLED) $(EXTRA)-bench ## Django, Flask, quiet, mix: all servers at once; 15 minutes
	-$(PIP) install granian bjoern freastal
	$(RUN) -m benchmarks.together --json benchmarks/results/together.json $(ARGS)

bench-asgi: $(INSTALLED) $(EXTRA)-bench ## ASGI servers beside each other, WebSockets and idle ones; 12 minutes
	-$(PIP) install 'uvicorn[standard]' granian hypercorn peregrine-server weft-server fastapi
	$(RUN) -m benchmarks.asgi --json benchmarks/results/asgi.json $(ARGS)
	$(RUN) -m benchmarks.asgi.idle

bench-static: $(INSTALLED) $(EXTRA)-bench ## static files beside nginx and WhiteNoise; 2 minutes
	$(RUN) -m benchmarks.static $(ARGS)

bench-sleepers: $(INSTALLED) $(EXTRA)-bench ## 5,000 requests that all sleep a second, with gevent
	$(RUN) -m benchmarks.sleepers $(ARGS)

slow: $(INSTALLED) $(EXTRA)-bench ## slow clients beside other servers, and famines; 30 minutes
	-$(PIP) install granian peregrine-server
	$(RUN) -m benchmarks.slow --json benchmarks/results/slow.json \
	    --markdown docs/explanation/slow-clients.md $(ARGS)

bench-latency: $(INSTALLED) $(EXTRA)-bench ## quick requests beside slow ones, beside other servers; 10 minutes
	-$(PIP) install granian peregrine-server
	$(RUN) -m benchmarks.latency --json benchmarks/results/latency.json \
	    --plot benchmarks/results/latency $(ARGS)

bench-start: $(INSTALLED) $(EXTRA)-bench ## time to the first answer, and memory, beside other servers; 2 minutes
	$(RUN) -m benchmarks.start --json benchmarks/results/start.json $(ARGS)

bench-deaths: $(INSTALLED) $(EXTRA)-bench ## requests that kill their worker, beside gunicorn; 5 minutes
	$(RUN) -m benchmarks.deaths $(ARGS)

soak: $(INSTALLED) ## 20 million mixed requests to one worker (SOAK_REQUESTS=N, ARGS="--worker-class asgi"); 10 minutes
	$(RUN) -m benchmarks.soak $(ARGS)

http2-peers: $(CREATED) $(EXTRA)-test ## the HTTP/2 corpus on nghttpd and nginx (ARGS="--why nginx")
	$(PY) -m tests.http2.peers $(or $(ARGS),nghttpd nginx)

asgi-peers: $(CREATED) $(EXTRA)-test ## the ASGI corpus on other servers (ARGS="--why -k websocket"); 2 minutes
	@test -x build/asgi-peers/bin/python || $(PYTHON) -m venv build/asgi-peers
	build/asgi-peers/bin/python -m pip --disable-pip-version-check --quiet install $(ASGI_PEERS)
	$(PY) -m tests.asgi.peers --python build/asgi-peers/bin/python $(or $(ARGS),uvicorn granian)

autobahn: $(INSTALLED) $(EXTRA)-test ## Autobahn's WebSocket cases on -k asgi (ARGS="'1.*'" some); an hour
	$(RUN) -m tests.asgi.autobahn build/autobahn $(ARGS)

instructions: $(INSTALLED) ## instructions a request (callgrind); fails when they rose by 3 %
	$(RUN) -m benchmarks.instructions $(ARGS)

wheels-check: ## wheel and sdist in empty environments of every Python 3.11-3.15 found (FASTFORK_PYTHONS)
	PYTHON=$(PYTHON) tools/wheels-check

sdist: $(EXTRA)-dev ## source distributions and wheels in dist/, of standin/ too
	$(PY) -m build --outdir dist .
	$(PY) -m build --outdir dist standin

docs: $(INSTALLED) $(EXTRA)-docs ## the documentation as HTML in build/docs; a warning is an error
	$(RUN) -m sphinx -b html -W --keep-going -n -q -d build/doctrees docs build/docs $(ARGS)

docs-reference: $(INSTALLED) ## write the reference pages from the tables in the code
	$(RUN) -m tools.reference $(ARGS)

structure: ## files, folders, arrows that run up and circles of the sources (ARGS="--list" names them)
	$(PYTHON) -m tools.structure $(ARGS)

changelog: $(EXTRA)-dev ## show what the next release will say
	$(VENV)/bin/towncrier build --draft

inplace: $(EXTRA)-dev ## compile into the checkout, for working on the compiled code
	$(PY) setup.py build_ext --inplace

clean: ## remove everything that was built, and .venv
	rm -rf build dist .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache
	rm -rf .import_linter_cache .hypothesis
	find fastfork tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	find fastfork/_core -name "*.so" -delete

# -- stamps: each is newer than what it was made from

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "fastfork needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	        "Type for example: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
	    echo "$(PYTHON) could not make a virtual environment." \
	        "On Debian and Ubuntu type: apt-get install python3-venv" >&2; \
	    rm -rf $(VENV); exit 1; }
	@# benchmarks/ and tests/ are imported from here; last on the path, so that the
	@# installed fastfork comes first
	@$(PY) -c 'import os, pathlib, sysconfig; \
	    path = pathlib.Path(sysconfig.get_path("purelib"), "zz-checkout.pth"); \
	    path.write_text(os.getcwd() + "\n")'
	@touch $@

$(INSTALLED): $(CREATED) $(SOURCES)
	@echo "Building fastfork into $(VENV): the first time Cython and setuptools are fetched"
	@# with symbols: suppressions and counts name functions
	@FASTFORK_SYMBOLS=1 $(PY) tools/install .
	@touch $@

$(EXTRA)-%: $(CREATED) pyproject.toml
	@$(PY) -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	    print(*project["optional-dependencies"]["$*"], sep="\n")' > $(VENV)/requirements-$*.txt
	$(PIP) install --requirement $(VENV)/requirements-$*.txt
	@touch $@
