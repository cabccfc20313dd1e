#!/bin/bash
# dracut module of the image for tests of device-mapper and RAID: at each boot the devices of `make-maps` come before us.
# shellcheck disable=SC2154  # initdir, moddir, systemdsystemunitdir, … are dracut's

check() { return 255; }

depends() { echo dm provision; }

installkernel() { dracut_instmods -o dm_mod dm_delay dm_multipath dm_service_time md_mod raid1; }

install() {
    inst_multiple kpartx lvm mdadm partx modprobe udevadm
    inst_rules 56-dm-parts.rules 60-kpartx.rules 68-del-part-nodes.rules
    inst_simple /lib/udev/kpartx_id
    inst_script "$moddir/make-maps" /usr/libexec/make-maps
    inst_simple "$moddir/make-maps.service" "$systemdsystemunitdir/make-maps.service"
    $SYSTEMCTL -q --root="$initdir" add-wants initrd.target make-maps.service
}
