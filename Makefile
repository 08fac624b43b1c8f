# The only entry points. `make` lists them. Each sets itself up: all it needs is Python 3.11 or newer.

PYTHON_IN := .venv/bin/python
TOUCHED   := git ls-files -z --cached --others --exclude-standard

# Each target starts several interpreters; without bytecode each would compile the same files again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help environment demo sandbox redaction-score chaos perf forecast test unit check format tools render schemas lock clean \
	archive-export archive-verify archive-search archive-hold archive-extend archive-certificate archive-register archive-cost replay subject-export subject-erase look

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## make .venv ready (every other target does it too)
	@bin/bootstrap

demo: environment ## bring the whole stack up here, send logs through it, show where each went (LOGS= DATADOG= DEMO_ARGS=)
	@LOGS='$(LOGS)' DATADOG='$(DATADOG)' $(PYTHON_IN) -m sandbox demo $(DEMO_ARGS)

sandbox: environment ## bring the whole stack up here and keep it until Ctrl-C
	@$(PYTHON_IN) -m sandbox keep

redaction-score: environment ## leaks, recall, precision by rule, and speed beside the stock processor (LABELLED=path.jsonl ARGS=)
	@$(PYTHON_IN) -m sandbox.score $(if $(LABELLED),--labelled '$(LABELLED)') $(ARGS)

test: environment ## all tests, with the real engine and the real collector (ARGS= for pytest, WORKERS=2)
	@bin/test

unit: environment ## the tests that need no outside program (ARGS= for pytest)
	@$(PYTHON_IN) -m pytest -n 2 --dist loadfile -m 'not engine and not collector and not checker' $(ARGS)

perf: environment ## CPU time and memory of every stage of the collector, table and picture (PERF_ARGS=--quick); of archive commands (PERF_ARGS="--archive 1 10 50", in millions)
	@$(PYTHON_IN) -m sandbox.perf $(PERF_ARGS)

forecast: environment ## a month's cost by sink and class, and what would save most (LOGS= or MIX= with RATE=, or METRICS=; STACK= WHAT_IF= PRICES= ARGS=)
	@$(PYTHON_IN) -m infra.forecast $(if $(STACK),--stack '$(STACK)') $(if $(LOGS),--logs '$(LOGS)') $(if $(MIX),--mix '$(MIX)') \
		$(if $(METRICS),--metrics '$(METRICS)') $(if $(RATE),--rate '$(RATE)') $(if $(PRICES),--prices '$(PRICES)') \
		$(foreach change,$(WHAT_IF),--what-if '$(change)') $(ARGS)

chaos: environment ## break the collector, its sinks and its disk on purpose; fail when anything acknowledged is lost (LONG=1 for ten-minute faults, ARGS=)
	@$(PYTHON_IN) -m sandbox.loss $(if $(LONG),--long) $(ARGS)

check: environment ## lint, format, types, YAML, spelling
	$(PYTHON_IN) -m ruff check .
	$(PYTHON_IN) -m ruff format --check .
	$(PYTHON_IN) -m mypy
	@$(TOUCHED) '*.yaml' '*.yml' | xargs -0 $(PYTHON_IN) -m yamllint --strict
	@$(TOUCHED) ':!requirements/*.lock' | xargs -0 $(PYTHON_IN) -m codespell_lib

format: environment ## put Python files into shape
	$(PYTHON_IN) -m ruff check --fix .
	$(PYTHON_IN) -m ruff format .

# Commands on archives: by default those of the sandbox that `make sandbox` keeps running, else those of a deployed
# stack (STACK=dev, staging, prod) with the caller's own AWS credentials.
STACK ?= sandbox
THERE  = $(if $(filter sandbox,$(STACK)),$(PYTHON_IN) -m sandbox.running) $(PYTHON_IN)

# Sends what is archived to a sink again (docs/replay.md).
replay: environment ## send archived records to a sink again, resumable (CLASS= FROM= TO= TO_SINK= DRY_RUN=1 RATE= FORM= AGAIN=1 SKIP_UNREADABLE=1 STACK= ARGS=)
	@OTELCOL="$${OTELCOL:-$$($(PYTHON_IN) -c 'from sandbox.tools.locate import locate; print(locate("otelcol"))')}" \
	$(THERE) -m infra.archive replay --stack '$(STACK)' --class '$(CLASS)' --from '$(FROM)' --to '$(TO)' \
		--to-sink '$(TO_SINK)' $(if $(DRY_RUN),--dry-run) $(if $(RATE),--rate '$(RATE)') $(if $(FORM),--form '$(FORM)') \
		$(if $(AGAIN),--again) $(if $(SKIP_UNREADABLE),--skip-unreadable) $(ARGS)

archive-export: environment ## export days that CloudWatch holds to the archives (FROM= TO=, CLASS= STACK= ARGS=--function)
	@$(THERE) -m infra.archive export --from '$(FROM)' --to '$(TO)' --class '$(CLASS)' --stack $(STACK) $(ARGS)

look: environment ## ask the sandbox that runs what runbooks ask (WHAT=queues, sinks, accepted, health, ...; CLASS=)
	@$(PYTHON_IN) -m sandbox.running $(PYTHON_IN) -m sandbox.looking $(if $(WHAT),'$(WHAT)',--help) $(if $(CLASS),--class '$(CLASS)')

archive-verify: environment ## is anything missing from the archives or altered? chain, objects, records (FROM= TO=, CLASS= STACK= ARGS=--public-key)
	@$(THERE) -m infra.archive verify --from '$(FROM)' --to '$(TO)' --class '$(CLASS)' --stack $(STACK) $(ARGS)

archive-search: environment ## ask the archive one of the usual questions (QUERY=name ARGS="request_id=... --output csv" FROM= TO= CLASS= STACK=)
	@$(THERE) -m infra.archive search $(if $(QUERY),'$(QUERY)',--help) $(ARGS) --stack '$(STACK)' $(if $(FROM),--from '$(FROM)') \
		$(if $(TO),--to '$(TO)') $(if $(CLASS),--class '$(CLASS)')

# Holds and certificates stay in the archive's own register, with who asked and why (docs/adr/0025-keeping.md).
KEEPING = --class '$(CLASS)' --who '$(WHO)' --stack '$(STACK)'
archive-hold: environment ## legal hold on all records of a window, or its end (CLASS= FROM= TO= WHO= WHY= RELEASE=1 JOB=1 BATCH=directory STACK=)
	@$(THERE) -m infra.archive hold $(KEEPING) --why '$(WHY)' --from '$(FROM)' --to '$(TO)' $(if $(RELEASE),--release) \
		$(if $(JOB),--job) $(if $(BATCH),--batch '$(BATCH)') $(ARGS)

archive-extend: environment ## lock all records of a window until a later day (CLASS= FROM= TO= UNTIL= WHO= WHY= JOB=1 STACK=)
	@$(THERE) -m infra.archive extend $(KEEPING) --why '$(WHY)' --from '$(FROM)' --to '$(TO)' --until '$(UNTIL)' \
		$(if $(JOB),--job) $(ARGS)

archive-certificate: environment ## certify what policy removed in a month (CLASS= MONTH= WHO= STACK=)
	@$(THERE) -m infra.archive certificate $(KEEPING) $(if $(WHY),--why '$(WHY)') --month '$(MONTH)' $(ARGS)

archive-register: environment ## what was held, locked and certified; checks chain, signatures, announcements (CLASS= STACK= CERTIFICATE=file KEY=pem)
	@$(THERE) -m infra.archive register --class '$(CLASS)' --stack '$(STACK)' $(if $(CERTIFICATE),--certificate '$(CERTIFICATE)') \
		$(if $(KEY),--public-key '$(KEY)') $(ARGS)

archive-cost: environment ## what each class's archive costs in a month, by tier (STACK=, and volume as in make forecast)
	@$(PYTHON_IN) -m infra.archive cost --stack '$(STACK)' $(ARGS)

# USER is set in every shell: only the one that was given to make is a user's id here.
ABOUT = --user '$(if $(filter command,$(firstword $(origin USER))),$(USER))' --from '$(FROM)' --to '$(TO)' --out '$(OUT)' \
	--reason '$(REASON)' --identifiers '$(IDENTIFIERS)' --stack '$(STACK)'
subject-export: environment ## all about one user, encrypted (USER= FROM= TO= KEY=age1... OUT=dir REASON= IDENTIFIERS=file|- STACK=)
	@$(THERE) -m infra.archive subject-export $(ABOUT) --key '$(KEY)'

subject-erase: environment ## erase one user's records; a dry run unless CONFIRM= repeats the id (as above, MAPPING_DELETED= DROP_EPOCH=)
	@$(THERE) -m infra.archive subject-erase $(ABOUT) --confirm '$(CONFIRM)' --mapping-deleted '$(MAPPING_DELETED)' \
		--drop-epoch '$(DROP_EPOCH)' $(if $(ALTHOUGH_RECORDS_REMAIN),--although-records-remain)

tools: environment ## provide the engine, the collector and Loki: from PATH, the cache, their releases, or built from Go modules
	@$(PYTHON_IN) -m sandbox.tools

render: environment ## render the collector's configuration and alert rules of every stack, and the questions saved in Athena
	@$(PYTHON_IN) -m infra.render

schemas: environment ## write the JSON schemas of the policy files
	@$(PYTHON_IN) -m infra.schemas

COMPILE := $(PYTHON_IN) -m uv pip compile $(if $(UPGRADE),--upgrade) --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url
lock: environment ## write requirements/*.lock from pyproject.toml (UPGRADE=1 for the newest versions)
	@$(PYTHON_IN) -m uv --version >/dev/null 2>&1 || \
		{ echo 'make lock: .venv has no uv; remove .venv, so that make creates one' >&2; exit 1; }
	$(COMPILE) pyproject.toml -o requirements/runtime.lock
	$(COMPILE) pyproject.toml --group archive --group sandbox --group test --group check -c requirements/runtime.lock \
		-o requirements/develop.lock
	echo uv | $(COMPILE) --no-annotate - -o requirements/bootstrap.lock
	echo 'checkov>=3.3,<4' | $(COMPILE) --no-annotate - -o requirements/checkov.lock

clean: ## remove what was built in this checkout (.venv and the per-user cache stay)
	rm -rf .sandbox .pytest_cache .mypy_cache .ruff_cache .hypothesis build
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
