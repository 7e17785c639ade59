#!/bin/sh
# One file holds the agent, so that an upgrade changes it at once, and the service runs from a copy that no upgrade changes.
# -I: nothing from the folder or the environment is imported.
set -e
agent=/usr/lib/fumo-agent/fumo-agent.pyz
ram=${RUNTIME_DIRECTORY:-}/firmware
if [ "${1:-}" = run ] && [ -n "${RUNTIME_DIRECTORY:-}" ] && [ -d "$ram" ]; then
    cp "$agent" "$ram/first_stage.pyz"
    agent=$ram/first_stage.pyz
fi
exec /usr/bin/python3 -I -B "$agent" "$@"
