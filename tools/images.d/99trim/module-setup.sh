#!/bin/bash
# dracut module of the demo image: the driver of its /usr, and everything taken out that this image never needs.
# Under emulation each program that is started costs 26 ms, and each unit more than that.
# shellcheck disable=SC2154  # initdir, systemdsystemunitdir, … are dracut's

check() { return 255; }

depends() { echo provision; }

installkernel() { dracut_instmods -o erofs; }

install() {
    local unit rule
    find "$initdir/usr/lib/systemd/system-generators" -type f \
        ! -name systemd-fstab-generator ! -name provision-generator -delete
    for unit in dracut-{cmdline,cmdline-ask,initqueue,mount,pre-mount,pre-pivot,pre-trigger,pre-udev}.service \
        systemd-{modules-load,sysctl,tmpfiles-setup,tmpfiles-setup-dev,ask-password-console}.service \
        systemd-ask-password-console.path kmod-static-nodes.service initrd-udevadm-cleanup-db.service; do
        ln -sf /dev/null "$initdir/$systemdsystemunitdir/$unit"
    done
    for rule in 50-firmware 70-uaccess 71-seat 73-seat-late 75-net-description 80-net-setup-link; do
        rm -f "$initdir/usr/lib/udev/rules.d/$rule.rules"
    done
    rm -f "$initdir"/{usr/lib,etc}/udev/hwdb.bin
}
