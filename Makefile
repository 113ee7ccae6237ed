# These need bash. The others run with any shell.
crash dist image: SHELL := bash
crash dist image: .SHELLFLAGS := -o pipefail -c
# What make dist builds for.
SYSTEMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
# What make image calls its image.
IMAGE := ghcr.io/orgconn/orgconn
# Everything in a release is of the time of the commit.
dist image: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
BUILD := CGO_ENABLED=0 GOFLAGS= GOAMD64=v1 GOARM64=v8.0 GOEXPERIMENT= \
	go build -buildvcs=true -trimpath -ldflags '-s -w -buildid='
# The version that this machine's build has, such as v1.2.3.
VERSION := dist/parts/orgconn version | sed -n 's/^orgconn //p'
RELEASE := go run -C .release .
SBOM := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
.PHONY: help build test check fuzz crash bench dist image demo picture

help:           ## list the targets
	@awk -F ': +## ' '/^[a-z]+: +## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build:          ## compile ./orgconn
	go build -buildvcs=auto -o orgconn ./cmd/orgconn

test:           ## run all tests, with the race detector; at the end, what was left out
	@cc=$$(go env CC); race=-race; { [ "$$(go env CGO_ENABLED)" = 1 ] && command -v $${cc%% *} >/dev/null; } || { race=; export CGO_ENABLED=0; }; \
	echo "go test $${race:+$$race }-timeout 10m ./..."; go test $$race -timeout 10m ./...; code=$$?; \
	[ "$$race" ] || echo "left out: the race detector; it needs cgo and a C compiler, such as gcc"; \
	for browser in chromium chromium-browser google-chrome chrome; do command -v $$browser && break; done >/dev/null || \
		echo "left out: the tests of report.html in a browser; they need Chromium or Chrome in PATH"; \
	exit $$code

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

crash:          ## 20,000 simulated crashes and 500 real ones; a quarter of an hour
	go test -timeout 60m -run TestSimulation -v ./batch -seeds 20000 | grep -v '^ *--- PASS\|^=== '
	go test -timeout 60m -run TestCrash -v ./cmd/orgconn -kills 500

bench:          ## the throttle beside plain rivals, in virtual time; benchmarks
	go test ./batch/throttle -run TestNumbers -v -seeds 20 -rivals
	go test -run '^$$' -bench . -benchmem ./...

dist:           ## archives for every system, with SBOMs and checksums, in dist/
	rm -rf dist && mkdir -p dist/parts/man dist/parts/completions dist/stage
	go -C .release test ./...
	$(BUILD) -o dist/parts/orgconn ./cmd/orgconn
	go test ./cmd/orgconn -count 1 -run TestManPages -man "$(CURDIR)/dist/parts/man"
	@for shell in bash zsh fish powershell; do \
		dist/parts/orgconn completion $$shell >dist/parts/completions/orgconn.$${shell/powershell/ps1} || exit 1; \
	done
	GOBIN="$(CURDIR)/dist/parts" GOFLAGS= go install $(SBOM)
	go mod download
	@# The licences are in what was downloaded, and go.sum has checked that. So nothing is asked of a proxy, and an SBOM
	@# does not depend on whether the version is published already.
	@for on in $(SYSTEMS); do \
		name=orgconn-$$($(VERSION))-$${on%/*}-$${on#*/}; echo "$$name"; \
		file=dist/stage/$$name/orgconn; case $$on in windows/*) file=$$file.exe;; esac; \
		GOOS=$${on%/*} GOARCH=$${on#*/} $(BUILD) -o $$file ./cmd/orgconn && \
		cp -R LICENSE README.md dist/parts/man dist/parts/completions dist/stage/$$name && \
		{ GOPROXY=off GOSUMDB=off dist/parts/cyclonedx-gomod bin -json -noserial -notimestamp -std -licenses -output dist/$$name.cdx.json $$file \
			2>dist/parts/sbom.log || { cat dist/parts/sbom.log; exit 1; }; } && \
		$(RELEASE) sbom "$(CURDIR)/dist/$$name.cdx.json" || exit 1; \
	done
	$(RELEASE) archives "$(CURDIR)/dist/stage" "$(CURDIR)/dist"
	rm -r dist/parts dist/stage
	$(RELEASE) sums "$(CURDIR)/dist"

image:          ## an OCI image for Linux in dist/, and a test of its layout
	rm -rf dist/stage dist/*-image.tar && mkdir -p dist/stage
	$(BUILD) -o dist/parts/orgconn ./cmd/orgconn
	@for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch $(BUILD) -o dist/stage/linux-$$arch/orgconn ./cmd/orgconn || exit 1; done
	@version=$$($(VERSION)); file="$(CURDIR)/dist/orgconn-$$version-image.tar"; \
	$(RELEASE) image -name $(IMAGE) -version "$${version//+/-}" -revision "$$(git rev-parse HEAD)" "$(CURDIR)/dist/stage" "$$file" && \
	go -C .release test ./... -count 1 -image "$$file" && echo "$$file"
	rm -r dist/parts dist/stage
	$(RELEASE) sums "$(CURDIR)/dist"

demo:           ## the whole job against a simulated tenant; needs nothing but Go
	go run ./cmd/orgconn demo

picture:        ## the README's picture of a demo's page; needs Chromium
	@go build -o "$(CURDIR)/orgconn" ./cmd/orgconn
	@folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && (cd "$$folder" && "$(CURDIR)/orgconn" demo > /dev/null 2>&1) && \
		CI_BROWSER=required go test ./reports -run TestPicture -picture "$$(ls -d "$$folder"/orgconn-*-disable)"
