#!/bin/sh
# Run by dracut just before its emergency prompt, or before it powers off: show what failed once more.
if [ -f /run/provision/failure.txt ]; then
    cat /run/provision/failure.txt
elif [ -f /run/provision.env ]; then
    echo "provision: this first boot was not finished, and the engine could not say why."
    echo "See 'systemctl --failed' and 'journalctl -b'."
fi
