# Everything a person runs here. Each target sets up what it needs, once.
#
#   make run            the main job: a local market, Hummingbot, ten verified paper trades
#   make test           all checks, on both Hummingbot releases
#   make test-latest    the tests on the second release alone
#   make console        the real Hummingbot console on a local market
#   make faults         everything that can go wrong with a source, tried and measured, into docs/faults.md; some minutes
#   make soak           a day of feeds at 100 symbols with faults, on a real Postgres; some minutes
#   make bench          benchmarks (figures, never asserted)
#   make bench-storage  the same of the store, beside what the legacy system did
#   make bench-feeds    the same of the feeds: decoding, feed to store, candle to controller
#   make lock           renew the lock files (needs uv)

RELEASE ?= 20260126
LATEST  := 20260922
VENV    := .venv-$(RELEASE)
READY   := $(VENV)/.ready
PYTEST  := bin/python -m pytest --numprocesses=2 --dist=worksteal

# What these test imports no Hummingbot: once, on the default release.
NO_HUMMINGBOT := adapters domain sidecar simulator wire

.PHONY: run test test-default test-latest lint console faults soak bench bench-storage bench-feeds lock clean
.DELETE_ON_ERROR:

run: $(READY)
	@$(VENV)/bin/recovery run $(ARGS)

console: $(READY)
	@$(VENV)/bin/recovery console $(ARGS)

test: lint test-default test-latest

test-default: .venv-20260126/.ready
	.venv-20260126/$(PYTEST) $(ARGS)

test-latest: .venv-$(LATEST)/.ready
	.venv-$(LATEST)/$(PYTEST) -m "not store" $(NO_HUMMINGBOT:%=--ignore=tests/unit/%) $(ARGS)

lint: .venv-20260126/.ready
	.venv-20260126/bin/ruff check .
	.venv-20260126/bin/ruff format --check .
	.venv-20260126/bin/mypy
	.venv-20260126/bin/lint-imports

faults: $(READY)
	$(VENV)/bin/python -m tests.faults --markdown docs/faults.md $(ARGS)

soak: $(READY)
	$(VENV)/bin/python -m tests.soak $(ARGS)

bench: $(READY)
	$(VENV)/bin/python -m tests.benchmarks $(ARGS)

bench-storage: $(READY)
	$(VENV)/bin/python -m tests.benchmarks.storage $(ARGS)

bench-feeds: $(READY)
	$(VENV)/bin/python -m tests.benchmarks.feeds
	$(VENV)/bin/python -m tests.benchmarks.feed_store
	$(VENV)/bin/python -m tests.benchmarks.feed_latency

.venv-%/.ready: requirements/hummingbot-%.lock requirements/build.lock requirements/pip.lock requirements/set-up pyproject.toml
	@requirements/set-up $* .venv-$*

lock:
	cd requirements && for release in 20260126 $(LATEST); do \
	    uv pip compile --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-annotate \
	        --no-header --quiet --upgrade hummingbot-$$release.in -o hummingbot-$$release.lock; \
	done
	cd requirements && uv pip compile --python-version 3.12 --universal --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --quiet --upgrade -c hummingbot-20260126.lock sidecar.in -o sidecar.lock
	cd requirements && uv pip compile --python-version 3.12 --universal --no-emit-index-url --no-annotate \
	    --no-header --quiet --upgrade build.in -o build.lock

clean:
	rm -rf .venv-* .tools *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
