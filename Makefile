# What people and CI run. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# One thing at a time: the go command keeps every core busy by itself.
.NOTPARALLEL:

GO ?= go
# The program tells its version and, where git can be asked, its commit.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)
STAMP := $(if $(shell git rev-parse HEAD 2>/dev/null),auto,false)
LDFLAGS := -s -w -X main.version=$(VERSION)

# End-to-end tests need foreign programs (scripts/setup); all others need nothing.
E2E := ./certs-test/e2e/...
# Every test runs with the race detector, so that packages are compiled once.
TEST := $(GO) test -race -timeout 30m

LINT := bin/tools/golangci-lint

# How long `make fuzz` spends on each target, and where `make microbench` looks.
FUZZTIME ?= 30s
BENCH ?= ./...

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what demo, up and test need besides Go and Node.js
	scripts/setup

.PHONY: build
build: ## build bin/touchmark
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(STAMP) -ldflags '$(LDFLAGS)' -o bin/touchmark ./cmd/touchmark

.PHONY: demo
demo: setup build ## from a corporate root to a refused device, in one go
	scripts/demo

.PHONY: up
up: setup build ## the same, left running, with addresses and sign-in printed
	scripts/up

.PHONY: test
test: setup build ## everything: unit, conformance, race detector, end to end
	$(TEST) ./...
	certs-test/peers/selfcheck

.PHONY: unit
unit: setup ## all but the end-to-end scripts: for every day
	$(TEST) $$($(GO) list ./... | grep -v /certs-test/e2e)

.PHONY: race
race: ## look harder for races: shuffled, five times, on the paths that share state
	$(TEST) -count=5 -shuffle=on ./enroll/... ./store/...

.PHONY: e2e
e2e: setup build ## the end-to-end scripts alone
	$(TEST) -count=1 $(E2E)

.PHONY: fuzz
fuzz: ## fuzz each parser for FUZZTIME (30s)
	$(GO) test -list '^Fuzz' ./... \
	| awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' \
	| while read -r package name; do \
		echo "$$package $$name"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' "$$package"; \
	done

# What bench passes on: COMPARE='-cold 20000 -for 1s' is a run of a few minutes.
COMPARE ?=

.PHONY: bench
bench: build ## compare with the floor and step-ca, into docs/benchmarks
	cd certs-test/bench && CGO_ENABLED=0 $(GO) build -trimpath -o bin/ . ./floor github.com/smallstep/certificates/cmd/step-ca
	cd certs-test/bench && bin/bench -out ../../docs/benchmarks $(COMPARE)

.PHONY: microbench
microbench: ## the Go benchmarks, in the packages BENCH (./...)
	$(GO) test -run '^$$' -bench . -benchmem $(BENCH)

.PHONY: cover
cover: ## coverage of everything but the end-to-end tests, in coverage/
	mkdir -p coverage
	$(GO) test -coverpkg=./... -coverprofile=coverage/unit.out $$($(GO) list ./... | grep -v /certs-test/e2e)
	$(GO) tool cover -html=coverage/unit.out -o coverage/unit.html
	$(GO) tool cover -func=coverage/unit.out | tail -n 1

.PHONY: lint
lint: $(LINT) ## the linters of .golangci.yml
	$(LINT) run ./...

.PHONY: fmt
fmt: $(LINT) ## format the code as lint wants it
	$(LINT) fmt ./...

# The linter is built once for each version that tools/go.mod pins.
$(LINT): tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o ../$@ \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: clean
clean: ## remove what was built
	rm -rf bin coverage
