# GNU make 3.81 (macOS) is enough. Every module of the repository is found by its
# go.mod; what is installed goes to .tools/ and nowhere else, except for what
# comes from the system's package manager (a C compiler, PostgreSQL, PgBouncer,
# faketime, promtool, HAProxy, nginx, Chromium, npm).

GOLANGCI_LINT := v2.15.0
FUZZTIME      ?= 10s
WALKS         ?= 200

# The name carries the versions: of the linter, and of Go, because a linter that
# an older Go has built refuses newer sources.
LINTER  := $(CURDIR)/.tools/golangci-lint-$(GOLANGCI_LINT)-$(shell go env GOVERSION)
MODULES := $(dir $(shell find . -name '.?*' -prune -o -name testdata -prune -o -name go.mod -print))

# Each module is tested as its users get it: by its own go.mod, whatever workspace a
# developer has (docs/design/007).
export GOWORK := off

# $(call each,command) runs a command in every module and stops at the first
# that fails.
each = @set -e; for module in $(MODULES); do echo "$$module $(1)"; (cd $$module; $(1)); done

.DEFAULT_GOAL := help
.PHONY: help test test-postgres-all tidy lint unit tools compiler postgres pgbouncer faketime promtool haproxy nginx chromium npm bench fuzz soak matrix pictures torture release-check clean

help: ## what can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: tidy lint unit ## everything that has to pass before a change lands; installs what it needs

tidy: ## go.mod and go.sum are what go mod tidy would write
	$(call each,go mod tidy -diff)

lint: tools ## go vet, the linters and the formatter; each has its reason in .golangci.yml
	$(call each,go vet ./...)
	$(call each,$(LINTER) run --config $(CURDIR)/.golangci.yml ./...)

unit: compiler postgres pgbouncer faketime promtool haproxy nginx chromium ## the tests, with the race detector
	$(call each,go test -race ./...)

test-postgres-all: compiler npm ## what has to do with PostgreSQL, with each of 14 to 18; they go to .tools/
	@./scripts/postgres-all ./dbcompat/... ./flags/pgflags ./probes/pgprobes ./internal/pgtest

tools: $(LINTER) ## golangci-lint, from the Go module proxy

$(LINTER):
	@echo "installing golangci-lint $(GOLANGCI_LINT) (a few minutes, once)"
	@GOBIN=$(CURDIR)/.tools GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	@mv $(CURDIR)/.tools/golangci-lint $@

compiler: ## a C compiler, without which Go has no race detector on most systems
	@./scripts/ensure compiler

postgres: ## the PostgreSQL server binaries, for the tests that need them
	@./scripts/ensure postgres

pgbouncer: ## PgBouncer, for the tests that need it; no service is left running
	@./scripts/ensure pgbouncer

faketime: ## libfaketime, for the tests that move a server's clock
	@./scripts/ensure faketime

haproxy: ## HAProxy, for the tests that need it; no service is left running
	@./scripts/ensure haproxy

nginx: ## nginx with its stream module, for the tests that need it; no service is left running
	@./scripts/ensure nginx

chromium: ## a headless Chromium, for the tests that look at pages
	@./scripts/ensure chromium

npm: ## npm and node, which test-postgres-all has its servers from
	@./scripts/ensure npm

bench: ## the benchmarks
	$(call each,go test -run '^$$' -bench . -benchmem ./...)

fuzz: ## each fuzz target for FUZZTIME (10s)
	$(call each,$(CURDIR)/scripts/fuzz $(FUZZTIME))

promtool: ## promtool, which reads the alert rules; no service is left running
	@./scripts/ensure promtool

soak: compiler postgres ## a fleet walks WALKS (200) times while processes, sessions and servers die: half an hour
	FLEET_WALKS=$(WALKS) go test -race -count 1 -timeout 6h -v -run TestNobodyNotices ./dbcompat/change/internal/fleet

matrix: ## the main job with every kind of balancer, lag and round trip
	go run ./examples/rollout/matrix

pictures: ## the README's pictures, of two real deployments; a minute, on a quiet machine
	@./scripts/pictures

torture: haproxy nginx ## the service and the field's, restarted behind real balancers: hours; TORTURE='-quick' for less
	cd interop && go run ./torture $(TORTURE)

release-check: ## what would break users of the last tag (apidiff), and known vulnerabilities (govulncheck)
	@./scripts/release-check

clean: ## remove what make has made
	rm -rf .tools
