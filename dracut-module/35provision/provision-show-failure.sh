#!/bin/sh
# Run by dracut just before its emergency prompt, or before it powers off: show what failed once more, on every console.
provision_failure() {
    echo
    if [ -f /run/provision/failure.txt ]; then
        cat /run/provision/failure.txt
    elif [ -f /run/provision.env ]; then
        echo "provision: this first boot was not finished, and the engine could not say why."
        echo "See 'systemctl --failed' and 'journalctl -b'."
        # Which device has the journal is its third line; empty: memory has it.
        if [ -e /run/provision/journal-moved ]; then
            { read -r _ && read -r _ && read -r provision_device; } </run/provision/journal-moved
            [ -n "$provision_device" ] ||
                echo "DO NOT REBOOT: memory has the journal, and files that no disk has. 'resume' goes on without a reboot."
        fi
    fi
}

# As dracut does it for its own words. What is no terminal (netconsole, pstore) has no device of its name.
provision_shown=''
while read -r provision_console _; do
    [ -c "/dev/$provision_console" ] || continue
    provision_failure >"/dev/$provision_console" && provision_shown=1
done </proc/consoles
[ -n "$provision_shown" ] || provision_failure
