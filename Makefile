SHELL := bash
.SHELLFLAGS := -o pipefail -c
# What make dist builds for.
SYSTEMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
.PHONY: help build test check fuzz crash bench dist demo picture

help:           ## list the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

build:          ## compile ./orgconn
	go build -buildvcs=auto -o orgconn ./cmd/orgconn

test:           ## run all tests, with the race detector
	go test -race -timeout 10m ./...

check:          ## format, vet on every system, staticcheck, tidy
	@test -z "$$(gofmt -l .)" || { echo "gofmt -w these:"; gofmt -l .; exit 1; }
	go vet ./... ./testdata
	@for on in darwin windows; do \
		echo "go vet ./cmd/... for $$on"; \
		GOOS=$$on GOARCH=amd64 go vet ./cmd/... || exit 1; \
	done
	go tool staticcheck ./... ./testdata
	go mod tidy -diff

fuzz:           ## run every fuzz target for a few seconds
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime 5s -fuzzminimizetime 1s $$package || exit 1; \
		done; \
	done

crash:          ## 20,000 simulated crashes and 500 real ones; takes a quarter of an hour
	go test -timeout 60m -run TestSimulation -v ./batch -seeds 20000 | grep -v '^ *--- PASS\|^=== '
	go test -timeout 60m -run TestCrash -v ./cmd/orgconn -kills 500

bench:          ## the throttle in virtual time beside plain rivals, then the benchmarks
	go test ./batch/throttle -run TestNumbers -v -seeds 20 -rivals
	go test -run '^$$' -bench . -benchmem ./...

dist:           ## reproducible binaries for every system, in dist/ with SHA256SUMS
	rm -rf dist
	@for on in $(SYSTEMS); do \
		file=dist/orgconn-$${on%/*}-$${on#*/}; case $$on in windows/*) file=$$file.exe;; esac; \
		echo "$$file"; \
		GOOS=$${on%/*} GOARCH=$${on#*/} CGO_ENABLED=0 GOFLAGS= GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT= \
			go build -buildvcs=true -trimpath -ldflags '-s -w -buildid=' -o $$file ./cmd/orgconn || exit 1; \
	done
	cd dist && sha256sum orgconn-* >SHA256SUMS

demo:           ## the whole job against a simulated tenant; needs nothing
	go run ./cmd/orgconn demo

picture:        ## the README's picture of a demo's page; needs Chromium
	@go build -o "$(CURDIR)/orgconn" ./cmd/orgconn
	@folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && (cd "$$folder" && "$(CURDIR)/orgconn" demo > /dev/null 2>&1) && \
		CI_BROWSER=required go test ./reports -run TestPicture -picture "$$(ls -d "$$folder"/orgconn-*-disable)"
