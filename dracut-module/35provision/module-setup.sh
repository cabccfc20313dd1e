#!/bin/bash
# dracut module: provision the machine on its first boot, before the real root is entered.
# Install as /usr/lib/dracut/modules.d/35provision and add "provision" to the modules of the image.
#
# PROVISION_BINARY names another engine than the `provision` found in PATH (for images built from a source tree).
# shellcheck disable=SC2154  # initdir, moddir, systemdsystemunitdir, … are dracut's

# Where a distribution keeps its CA bundle. The first that exists is taken, at the same path.
ca_bundles="/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt"

services="fetch-offline disks remount-sysroot mount files complete"

# Only when another module or the image's maker asks for it.
check() {
    return 255
}

# A crash kernel's image must never touch a disk: there this module is empty. Not by check(), for dracut makes no image
# at all if a module that add_dracutmodules= names cannot be installed, and a machine without kdump would be the price.
left_out() {
    [[ ${IN_KDUMP-} == 1 ]]
}

depends() {
    left_out || echo systemd systemd-initrd dracut-systemd
}

installkernel() {
    left_out && return 0
    # "-o": a kernel that has a driver built in, or not at all, is no reason to fail.
    dracut_instmods -o qemu_fw_cfg virtio_pci virtio_mmio virtio_blk virtio_scsi sd_mod ext4
}

# dracut goes on when install() fails, and makes an image that cannot provision: rather make none.
give_up() {
    dfatal "provision: $1"
    exit 1
}

install() {
    left_out && return 0
    local engine=${PROVISION_BINARY:-$(command -v provision)} bundle service programs optional
    [[ -x $engine ]] || give_up "no engine: neither \$PROVISION_BINARY nor 'provision' in PATH is a program"
    inst_simple "$engine" /usr/bin/provision || give_up "could not install $engine"

    # What the engine may run, by its own word.
    mapfile -t programs < <("$engine" programs --names)
    [[ ${#programs[@]} -gt 0 ]] || give_up "$engine does not say which programs it may run"
    inst_multiple "${programs[@]}" mount || give_up "could not install all of: ${programs[*]} mount"
    mapfile -t optional < <("$engine" programs --names --optional)
    inst_multiple -o "${optional[@]}"
    inst_multiple -o /etc/mke2fs.conf
    for bundle in $ca_bundles; do
        [[ -e $dracutsysrootdir$bundle ]] || continue
        inst_simple "$bundle"
        break
    done

    inst_script "$moddir/provision-generator" "$systemdutildir/system-generators/provision-generator"
    inst_simple "$moddir/provision-complete.target" "$systemdsystemunitdir/provision-complete.target"
    for service in $services; do
        inst_simple "$moddir/provision-$service.service" "$systemdsystemunitdir/provision-$service.service"
        $SYSTEMCTL -q --root="$initdir" add-requires provision-complete.target "provision-$service.service" ||
            give_up "could not make provision-complete.target require provision-$service.service"
    done

    # Say again what failed, next to the prompt that would have scrolled it away.
    inst_hook emergency 05 "$moddir/provision-show-failure.sh"
    inst_hook shutdown-emergency 05 "$moddir/provision-show-failure.sh"
}
