#!/bin/sh
set -e

# An upgrade leaves the agent running: it may be in the middle of an update, or new firmware on trial.
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop fumo-agent.service >/dev/null || true
fi
