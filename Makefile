# `make` alone lists the targets. Whatever a target needs is set up first, in .venv.

PYTHON ?= python3
VENV := .venv
SMPMGR := $(VENV)/smpmgr
RIG := $(VENV)/rig
STUBS := build/stubs
PY := PYTHONPATH=. $(VENV)/bin/python
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(VENV)/bin/python -m pip --quiet

# Debian packages that some tests need, each as package:command:tests. A test says itself why it is skipped without.
DEBIAN := libwbxml2-utils:wbxml2xml:tests-of-WBXML-messages chromium:chromium:tests-of-the-page-in-a-browser \
    tshark:tshark:tests-of-bytes-and-trees-in-WBXML softhsm2:softhsm2-util:tests-of-keys-in-a-security-module \
    rsync:rsync:tests-of-deploying-to-Linux openssh-server:sshd:tests-of-deploying-over-ssh \
    systemd:systemd-analyze:tests-of-the-service-unit lintian:lintian:a-test-of-the-Debian-package \
    systemd-container:systemd-nspawn:tests-of-the-Debian-package-under-systemd librsvg2-bin:rsvg-convert:a-test-of-the-wiring-pictures \
    valgrind:valgrind:a-test-of-counted-instructions

# Debian packages for the emulated board; setpriv, dpkg-deb and apt-get are there on every Debian.
RIG_DEBIAN := qemu-system-arm:qemu-system-arm:the-emulated-board device-tree-compiler:dtc:the-emulated-board

# Those for the emulated microcontroller: MicroPython is built from Debian's source package, which a package list of our own brings.
MCU_DEBIAN := qemu-system-arm:qemu-system-arm:the-emulated-microcontroller gcc:cc:the-emulated-microcontroller \
    gcc-arm-none-eabi:arm-none-eabi-gcc:the-emulated-microcontroller dpkg-dev:dpkg-source:the-emulated-microcontroller
MCU_LIBRARY := libnewlib-arm-none-eabi # has no command to look for

# Those that make bench compares with.
DEBIAN_BENCH := rauc:rauc:figures-beside-RAUC \
    squashfs-tools:mksquashfs:figures-beside-RAUC dbus:dbus-run-session:figures-beside-RAUC \
    swupdate:swupdate:figures-beside-SWUpdate cpio:cpio:figures-beside-SWUpdate openssl:openssl:figures-beside-SWUpdate

APT := apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends
CAN_APT := test "$$(id -u)" = 0 && command -v apt-get >/dev/null

.DEFAULT_GOAL := help
.PHONY: help run test deb debroot rig rig-mcu mcu-debian powercut soak kills mcu-kills mutants bench mem size counts lint debian rig-debian rig-base clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "make %-9s %s\n", $$1, $$2}'

run: $(VENV)/.stamp ## watch an update from server to device, power cut in the middle; FIRMWARE=crash rolls back, DEVICES=50 CUTS=random a fleet
	@$(PY) -m flash_tools.demo $(if $(FIRMWARE),--firmware $(FIRMWARE)) $(if $(DEVICES),--devices $(DEVICES)) \
	    $(if $(CUTS),--cuts $(CUTS)) $(if $(SEED),--seed $(SEED))

test: $(VENV)/.stamp $(SMPMGR)/.stamp $(STUBS)/.stamp debian debroot ## run all tests that need no special hardware, on CPython and on MicroPython
	$(PY) -m pytest $(ARGS)

rig: $(VENV)/.stamp $(RIG)/.stamp rig-debian ## run the scenarios on boards, through labgrid; SELECT=short, ENV=sim or a file of your own, ARGS=...
	@PYTHONPATH=. $(RIG)/bin/python -m tests.rig $(if $(ENV),--env $(ENV)) $(if $(SELECT),--select $(SELECT)) $(if $(BOARDS),--boards $(BOARDS)) \
	    $(ARGS)

deb: $(VENV)/.stamp ## build the Debian package of a Linux board
	@$(PY) -m flash_tools.deb

rig-mcu: $(VENV)/.stamp mcu-debian ## run updates on an emulated Cortex-M3 with a hard heap, the power cut at random; ARGS="--cuts 200 --seed 7"
	@$(PY) -m tests.rig_mcu $(ARGS)

powercut: $(VENV)/.stamp ## cut the power at every flash operation of an update and between any two messages; ID=... replays one schedule
	$(PY) -m tests.powercut $(if $(ID),--id $(ID))

soak: $(VENV)/.stamp ## run seeded worlds in virtual time: servers, network, flash, power; N=... worlds, SEED=... replays one
	$(PY) -m tests.soak $(if $(N),--worlds $(N)) $(if $(SEED),--seed $(SEED))

kills: $(VENV)/.stamp ## kill the server while a campaign runs, and see that nothing answered is lost; SEED=... draws others
	$(PY) -m tests.kills $(if $(SEED),--seed $(SEED))

mcu-kills: $(VENV)/.stamp ## cut the power of a MicroPython board 220 times while updates follow one another; SEED=... draws others
	@$(PY) -m tests.mcu $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: $(VENV)/.stamp ## break the code on purpose and see whether the tests notice
	$(PY) -m tests.mutants

bench: $(VENV)/.stamp ## measure flash time, wear, the speed of the parsers, and an install on Linux beside RAUC and SWUpdate
	@$(MAKE) --no-print-directory debian DEBIAN="$(DEBIAN_BENCH)"
	$(PY) -m tests.bench

mem: $(VENV)/.stamp ## find the smallest heap for a session and for a whole update on MicroPython
	$(PY) -m tests.mem

size: $(VENV)/.stamp ## measure the device code, compiled
	$(PY) -m tests.size

counts: $(VENV)/.stamp ## count the instructions of a signature check, a digest and unpacking, and estimate their time on a microcontroller
	@$(MAKE) --no-print-directory debian DEBIAN="valgrind:valgrind:counting"
	$(PY) -m tests.counts

lint: $(VENV)/.stamp $(STUBS)/.stamp ## check style, common mistakes, and the MicroPython ports against the type stubs of three of them
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m tests.stubs

debian: ## install the Debian packages that some tests need, or say what is skipped without them
	@for entry in $(DEBIAN); do \
	    package=$${entry%%:*}; rest=$${entry#*:}; command=$${rest%%:*}; tests=$${rest#*:}; \
	    command -v "$$command" >/dev/null && continue; \
	    { $(CAN_APT) && $(APT) "$$package" >/dev/null; } || \
	    echo "$$tests will be skipped: there is no $$command (Debian package $$package)"; \
	done

rig-debian: # what the emulated board is made and run with
	@$(MAKE) --no-print-directory debian DEBIAN="$(RIG_DEBIAN)"

mcu-debian: # what the emulated microcontroller is made and run with
	@$(MAKE) --no-print-directory debian DEBIAN="$(MCU_DEBIAN)"
	@test -e /usr/lib/arm-none-eabi/lib/libc.a || test -e /usr/include/newlib/string.h || \
	    { $(CAN_APT) && $(APT) $(MCU_LIBRARY) >/dev/null; } || echo "make rig-mcu needs the Debian package libnewlib-arm-none-eabi"

rig-base: $(VENV)/.stamp rig-debian # the emulated board itself, from Debian's packages for armhf: a few seconds, once
	@$(PY) -m flash_tools.rig.emulator.build build/rig/base

# A Debian 12 of its own, 200 MB, for the tests that install the package; without it they say that they are skipped.
debroot: build/deb/root.tar
build/deb/root.tar: flash_tools/deb/root.packages
	@mkdir -p $(@D)
	@command -v mmdebstrap >/dev/null || { $(CAN_APT) && $(APT) mmdebstrap >/dev/null; } || true
	@{ test "$$(id -u)" = 0 && echo "making a Debian for the tests of the package, once: half a minute" && \
	    timeout 300 mmdebstrap --quiet --mode=root --variant=essential --include=$$(paste -sd, $<) --dpkgopt='path-exclude=/usr/share/man/*' \
	    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm $(@D)/part.tar && mv $(@D)/part.tar $@; } || \
	    { rm -f $(@D)/part.tar; echo "tests that install the Debian package will be skipped: they need root, mmdebstrap and a mirror"; }

clean: ## remove everything that was made, the environment included
	rm -rf $(VENV) build *.egg-info .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.mpy' -delete

# Somebody else's client for serial recovery. Without it (no network, no wheel for this machine) its tests say that they are skipped.
$(SMPMGR)/.stamp: requirements-smpmgr.lock $(VENV)/.stamp
	@echo "installing smpmgr into $(SMPMGR), once, for the tests of serial recovery"
	@{ $(PYTHON) -m venv --clear $(SMPMGR) && PIP_DISABLE_PIP_VERSION_CHECK=1 $(SMPMGR)/bin/python -m pip --quiet install \
	    --require-hashes -r requirements-smpmgr.lock && touch $@; } || echo "tests with smpmgr will be skipped: it cannot be installed"

# Type stubs of three ports of MicroPython, which cannot share a folder. Without them the tests with them say that they are skipped.
$(STUBS)/.stamp: $(wildcard tests/stubs/*.lock) | $(VENV)/.stamp
	@echo "installing MicroPython's type stubs into $(STUBS), once"
	@rm -rf $(STUBS)
	@{ (for lock in $^; do $(PIP) install --no-deps --require-hashes --target $(STUBS)/$$(basename $$lock .lock) -r $$lock || exit 1; done) && \
	    touch $@; } || echo "type checks will be skipped: the stubs cannot be installed"

# labgrid brings a pyserial of its own, hence an environment of its own; detools is built here too.
$(RIG)/.stamp: requirements-rig.lock | $(VENV)/.stamp
	@echo "installing labgrid into $(RIG), once, for the rig"
	@$(PYTHON) -m venv --clear $(RIG)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(RIG)/bin/python -m pip --quiet install --require-hashes -r requirements-rig.lock
	@touch $@

# detools comes as source only, hence the compiler.
$(VENV)/.stamp: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "install Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(CAN_APT) && $(APT) python3-venv; } || \
	    { echo "install the Debian package python3-venv first: this Python cannot make environments"; exit 1; }
	@$(PYTHON) -c "import os, shutil, sys, sysconfig as s; sys.exit(not (shutil.which('cc') and \
	    os.path.exists(os.path.join(s.get_paths()['include'], 'Python.h'))))" || { $(CAN_APT) && $(APT) gcc libc6-dev python3-dev; } || \
	    { echo "install the Debian packages gcc and python3-dev first: detools is built from source"; exit 1; }
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing the development environment into $(VENV), once: a minute or two"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
