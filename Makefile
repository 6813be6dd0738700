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

# End-to-end tests need foreign programs (scripts/setup), and run servers and
# databases of their own: one package at a time.
E2E := ./certs-test/e2e/...
SERVERS := e2e fleet crash nodes growth overload soak parsed hostile
ALONE := $(SERVERS:%=./certs-test/%/...)
# Keys in files are slow to open, as they should be, and forty times slower under
# the race detector, and the matrix of escalation asks some hundred thousand
# questions; what these packages run is raced in those below them.
SLOW := ./ca/keys ./cmd/touchmark ./api/escalation
EVERYDAY = $$($(GO) list ./... | grep -v -E '/certs-test/($(subst $() ,|,$(SERVERS)))|/ca/keys$$|/cmd/touchmark$$|/api/escalation$$')
# All others run with the race detector, so that packages are compiled once.
TEST := $(GO) test -race -timeout 30m

# What only the build for HSMs and KMSs has.
HSM := $(GO) test -tags pkcs11,cloudkms ./ca/keys/...

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

# A C compiler is needed, and the program needs the C library of the machine that
# it runs on; build's does not.
.PHONY: build-pkcs11
build-pkcs11: ## build bin/touchmark-pkcs11, for keys in HSMs (PKCS#11) and cloud KMSs too
	CGO_ENABLED=1 $(GO) build -tags pkcs11,cloudkms -trimpath -buildvcs=$(STAMP) -ldflags '$(LDFLAGS)' -o bin/touchmark-pkcs11 ./cmd/touchmark

.PHONY: demo
demo: setup build ## from a corporate root to a refused device, in one go
	scripts/demo

.PHONY: up
up: setup build ## the same, left running, with addresses and sign-in printed
	scripts/up

.PHONY: test
test: setup build ## everything: unit, conformance, end to end, crashes, nodes
	$(TEST) $(EVERYDAY)
	$(GO) test $(SLOW)
	$(HSM)
	certs-test/peers/selfcheck
	$(TEST) -p 1 $(ALONE)

.PHONY: unit
unit: setup ## all but what runs whole servers: for every day
	$(TEST) $(EVERYDAY)
	$(GO) test $(SLOW)
	$(HSM)

.PHONY: race
race: ## look harder for races: shuffled, five times, on the paths that share state
	$(TEST) -count=5 -shuffle=on ./enroll/... ./store/...

.PHONY: e2e
e2e: setup build ## the end-to-end scripts alone
	$(TEST) -count=1 $(E2E)

.PHONY: nodes
nodes: ROUNDS = 5
nodes: setup ## three nodes on PostgreSQL: killed, paused, cut off; ROUNDS (5) times
	$(GO) test -count=1 -v -timeout 5h ./certs-test/nodes -rounds $(ROUNDS)

.PHONY: hostile
hostile: build ## the hostile table: some thousand requests of attackers, and their answers
	TOUCHMARK_BIN=$(CURDIR)/bin/touchmark $(GO) test -count=1 -v ./certs-test/hostile

.PHONY: fuzz
fuzz: ## fuzz each parser for FUZZTIME (30s), one for each processor at once
	GO='$(GO)' FUZZTIME='$(FUZZTIME)' scripts/fuzz

# What bench passes on: COMPARE='-cold 20000 -for 1s' is a run of a few minutes.
COMPARE ?=

.PHONY: bench
bench: build ## compare with the floor and step-ca, into docs/benchmarks
	cd certs-test/bench && CGO_ENABLED=0 $(GO) build -trimpath -o bin/ . ./floor github.com/smallstep/certificates/cmd/step-ca
	cd certs-test/bench && bin/bench -out ../../docs/benchmarks $(COMPARE)

.PHONY: microbench
microbench: ## the Go benchmarks, in the packages BENCH (./...)
	$(GO) test -run '^$$' -bench . -benchmem $(BENCH)

# How often `make crash` kills, and on what store: bolt, postgres (a server is
# started), or the postgres:// URL of an empty database. SEED repeats a run.
ROUNDS ?= 25
STORE ?= bolt
SEED ?=

.PHONY: crash
crash: build ## kill -9 under load, ROUNDS (25) times on STORE (bolt), and judge what is left
	TOUCHMARK_BIN=bin/touchmark $(GO) run ./certs-test/crash rounds --rounds '$(ROUNDS)' --store '$(STORE)' --seed '$(SEED)'

# Without N the first 20 calls fail in their turn, and every tenth up to the 100th.
N ?=

.PHONY: faults
faults: build ## failing syncs and writes, each up to the N-th, and full disks
	TOUCHMARK_BIN=bin/touchmark $(GO) run ./certs-test/crash faults --each '$(or $(N),0)'

# For how many hours `make soak` runs, on what STORE, and where its report goes.
HOURS ?= 1
SOAK_OUT ?= bin/soak

.PHONY: soak
soak: build ## HOURS (1) of mixed load with faults on STORE (bolt): is all flat?
	TOUCHMARK_BIN=bin/touchmark $(GO) run ./certs-test/soak --hours '$(HOURS)' --store '$(STORE)' --out '$(SOAK_OUT)'

# Full size takes hours and tens of gigabytes; GROWTH='-growth.devices 100000' and
# the like (certs-test/growth) make it smaller.
GROWTH ?= -growth.full -growth.devices 1000000 -growth.narrow 10000 -growth.wide 10000000 -growth.yearly 10000 -growth.days 365

.PHONY: growth
growth: setup ## a million devices, a fleet of ten million, a year of renewals
	$(GO) test -count=1 -v -timeout 24h ./certs-test/growth $(GROWTH)

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
