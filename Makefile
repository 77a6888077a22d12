# The first target of each line installs what it needs: `make test` works in a fresh clone.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)

# What Python compiles is kept, whatever the environment says: the tests begin hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install lock lint lint-types lint-text test test-long prove matrix c-ranges scale mutation mutants-of-the-checker questions reviews refinement diff c-paths replay fuzz report bench peers second-solver sections schema documents guarantees scenarios docs package clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## .venv with everything in requirements.lock, and claimcheck itself, editable

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

lock: $(STAMP)  ## newest versions within the ranges of pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --upgrade pyproject.toml --custom-compile-command 'make lock' -o requirements.lock

SPELLED := README.md CONTRIBUTING.md CHANGELOG.md docs reference model proofs tests bench

lint: $(STAMP)  ## ruff, mypy --strict, import-linter, spelling, plain words, lengths of files, names
	$(MAKE) --no-print-directory -j2 --output-sync=target lint-types lint-text

lint-types: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-text: $(STAMP)
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell $(SPELLED)
	$(BIN)/python -m tests.lints
	$(BIN)/python -m tests.prose

# Measuring coverage makes a replay three to five times slower; the other tests of the reference reach every branch.
UNCOVERED := tests/reference/test_conformance.py tests/reference/test_interleavings.py
COVERED   := $(filter-out $(UNCOVERED),$(wildcard tests/reference/test_*.py))

test: $(STAMP) lint  ## lints, then every test but the long ones; branch coverage of reference/ by its own tests
	$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report=term $(COVERED)
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(COVERED:%=--ignore=%)

test-long: $(STAMP)  ## the tests that take minutes
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m long

# Left out: cases/search-1, which needs unscrubbed memory (docs/limits.md). A test expects its one divergence.
RECORDINGS := tests/data/conformance
REPLAYED    = $(wildcard $(RECORDINGS)/*.gz $(RECORDINGS)/interleaved/*.gz) \
	$(filter-out $(RECORDINGS)/cases/search-1-%,$(wildcard $(RECORDINGS)/cases/*.jsonl))

replay: $(STAMP)  ## every recording of the hypervisor's code, replayed on the reference, with totals
	$(BIN)/claimcheck replay --jobs $(JOBS) $(REPLAYED)

prove: $(STAMP)  ## every promise of claim sets, proved for any host, and on a host of 4 nodes and 4 domains
	$(BIN)/claimcheck prove --hosts any --hosts 4x4 --jobs $(JOBS)

matrix: $(STAMP)  ## every generation against every property: docs/generations.md, docs/generations, tests/data/findings
	$(BIN)/python -m docs._make.generations

mutation: $(STAMP)  ## mistakes made on purpose, and what notices them: docs/mutation.md, tests/data/mutation
	$(BIN)/python -m tests.mutants --jobs $(JOBS)

mutants-of-the-checker: $(STAMP)  ## mistakes in the checker itself, each noticed by a named test: docs/checker-mistakes.md
	$(BIN)/python -m tests.checker_mistakes --jobs $(JOBS)

questions: $(STAMP)  ## what reviewers ask: docs/claim-sets-weaknesses.md, docs/per-node-v8.md
	$(BIN)/python -m docs._make.questions --search

reviews: $(STAMP)  ## docs/review-a-patch.md: every change of rules in tests/data/reviews, reviewed again (minutes)
	$(BIN)/python -m docs._make.reviews --review

c-ranges: $(STAMP)  ## every intermediate value of the C code: docs/c-ranges.md, tests/data/c-ranges
	$(BIN)/python -m docs._make.c_ranges

scale: $(STAMP)  ## how proof, search and fuzz grow: docs/scale.md (10 minutes)
	$(BIN)/python -m bench.scale --minutes 10

refinement: $(STAMP)  ## one generation's calls against another's: docs/refinement.md
	$(BIN)/python -m docs._make.refinement

fuzz: $(STAMP)  ## each known mistake found and shrunk, every generation's coverage: docs/fuzz.md (many minutes)
	$(BIN)/python -m docs._make.fuzz

report: $(STAMP)  ## the whole evidence for people: report/report.html, and the same as JSON, JUnit XML and Markdown
	$(BIN)/claimcheck report --out report --jobs $(JOBS) || test $$? = 3  # 3: something is undecided, and the report names it

diff: $(STAMP)  ## every path of the reference against the model: docs/diff.md, tests/data/sections (minutes)
	$(BIN)/python -m docs._make.diff

c-paths: $(STAMP)  ## every path of the examples in C against the model: docs/c-paths.md (minutes)
	$(BIN)/python -m docs._make.c_paths

bench: $(STAMP)  ## the measurements the documents quote
	$(BIN)/python -m bench
	$(BIN)/python -m bench.prove

peers: $(STAMP)  ## docs/peers.md: other checkers on the same question, SPIN if it is there (minutes)
	$(BIN)/python -m bench.peers

second-solver: $(STAMP)  ## docs/second-solver.md: cvc5 on every question, and the invariants that Spacer finds (minutes)
	$(BIN)/python -m bench.second_solver --generations --large

sections: $(STAMP)  ## what reports show as stored of the second solver and of Spacer: tests/data/sections (minutes)
	$(BIN)/python -m bench.sections --jobs $(JOBS)

schema: $(STAMP)  ## docs/claim-trace.schema.json from the code
	$(BIN)/python -m proofs.traces.schema docs/claim-trace.schema.json

documents: $(STAMP) schema  ## what the documents show of commands and of the code
	$(BIN)/python -m docs._make.commands

guarantees: $(STAMP)  ## docs/guarantees.md from the stored verdicts; again after `make matrix`
	$(BIN)/python -m docs._make.guarantees

scenarios: $(STAMP)  ## docs/scenarios.md: every scenario under every policy (minutes)
	$(BIN)/python -m docs._make.scenarios

docs: $(STAMP)  ## the documents as a site: build/site/index.html; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/site

package: $(STAMP)  ## sdist and wheel in dist/
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache
