# make demo   install what is missing, build, start the example shop, leave it running
# make test   install what the tests need, run them all
# make bench  measure what is promised about speed; tables here, JSON and plots in target/bench (TOPICS="door start" for some)
# make soak   run what is random, killing or slow at its full size: hours
# make lint   formatting and lints, as CI checks them

CARGO ?= cargo
MOPS := target/debug/mops
DAEMONS := varnish varnish-modules nginx php8.2-fpm php8.2-cli php8.2-redis redis-server curl gcc libc6-dev
TEST_TOOLS := nodejs rabbitmq-server chromium pebble openssl

.PHONY: demo test soak bench lint build daemons test-tools fmt

demo: daemons build
	$(MOPS) script scripts/shop.rhai --yes
	@echo
	@echo "The shop runs. Next: $(MOPS) -C scripts status"
	@echo "Change an option in scripts/shop.rhai and run: $(MOPS) script scripts/shop.rhai"
	@echo "Stop it and remove it with: $(MOPS) -C scripts destroy"

test: daemons test-tools build
	$(CARGO) test --workspace --no-fail-fast

bench:
	$(CARGO) build --profile bench --package mops --package mops-bench
	target/release/mops-bench $(TOPICS)

soak: daemons test-tools
	$(CARGO) build --profile soak --package mops
	$(CARGO) test --workspace --no-fail-fast --profile soak -- --ignored

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

build:
	$(CARGO) build --package mops

daemons:
	@sh .ci/install $(DAEMONS)

test-tools:
	@sh .ci/install $(TEST_TOOLS)

fmt:
	$(CARGO) fmt --all
