#!/bin/sh
set -e

unit=fumo-agent.service

if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper mask $unit >/dev/null || true
fi

if [ "$1" = purge ]; then
    if command -v deb-systemd-helper >/dev/null; then
        deb-systemd-helper purge $unit >/dev/null || true
        deb-systemd-helper unmask $unit >/dev/null || true
    fi
    # The flash keeps its banks, its boot record and who the board is: only files go. The user stays, as Debian's users do.
    rm -rf /var/lib/fumo-agent /run/fumo-agent /etc/systemd/system/fumo-agent.service.d
    if [ -d /etc/fumo-agent ]; then
        rm -rf /etc/fumo-agent/conf.d
        rmdir --ignore-fail-on-non-empty /etc/fumo-agent
    fi
fi

if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
