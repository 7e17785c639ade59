#!/bin/sh
set -e

unit=fumo-agent.service

case "$1" in
    configure | abort-upgrade | abort-deconfigure | abort-remove)
        systemd-sysusers fumo-agent.conf
        deb-systemd-helper unmask $unit >/dev/null || true
        if deb-systemd-helper --quiet was-enabled $unit; then
            deb-systemd-helper enable $unit >/dev/null || true
        else
            deb-systemd-helper update-state $unit >/dev/null || true
        fi
        ;;
    *)
        echo "postinst called with unknown argument \`$1'" >&2
        exit 1
        ;;
esac

if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    if udevadm control --reload 2>/dev/null; then
        for kind in spidev i2c-dev gpio bcm2835-gpiomem mtd watchdog misc; do
            udevadm trigger --action=change --subsystem-match=$kind || true
        done
        udevadm settle --timeout=5 || true
    fi
    if systemctl --quiet is-active $unit; then
        # Never restarted from here: in a trial that would be a crash of the new firmware. What runs does not come from these files.
        echo "fumo-agent goes on running; its new first stage takes over at the next start."
    elif systemctl --quiet is-enabled $unit 2>/dev/null; then
        deb-systemd-invoke start $unit >/dev/null 2>&1 ||
            echo "fumo-agent does not run yet: choose a board in /etc/fumo-agent/config.toml, then: systemctl restart fumo-agent"
    fi
fi
