#!/bin/bash
# dracut module: provision the machine on its first boot, before the real root is entered.
# Install as /usr/lib/dracut/modules.d/35provision and add "provision" to the modules of the image.
#
# PROVISION_BINARY names another engine than the `provision` found in PATH (for images built from a source tree).
# PROVISION_LEAVE_OUT names programs that are not put in, even where they are installed, with all that comes along with them.
# shellcheck disable=SC2154  # initdir, moddir, systemdsystemunitdir, … are dracut's

# Where a distribution keeps its CA bundle. The first that exists is taken, at the same path.
ca_bundles="/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt"

services="fetch-offline network fetch disks remount-sysroot mount files complete"

# Only when another module or the image's maker asks for it.
check() {
    return 255
}

# A crash kernel's image must never touch a disk: there this module is empty. Not by check(), for dracut makes no image
# at all if a module that add_dracutmodules= names cannot be installed, and a machine without kdump would be the price.
left_out() {
    [[ ${IN_KDUMP-} == 1 ]]
}

# Is this program one that the image gets, if the engine may run it?
has_program() {
    [[ " ${PROVISION_LEAVE_OUT-} " != *" $1 "* ]] && find_binary "$1" >/dev/null
}

# Encrypted volumes are opened by the engine itself. udev's rules for device-mapper, which make the names in /dev/mapper and
# tell whoever waits that they are there, run dmsetup: it comes with them, by dracut's module of that name.
opens_volumes() {
    has_program dmsetup && [[ " ${omit_dracutmodules-} " != *" dm "* ]] &&
        compgen -G "${dracutbasedir-}/modules.d/[0-9][0-9]dm" >/dev/null
}

# Logical volumes: by lvm, which waits for udev's rules for device-mapper.
makes_groups() {
    has_program lvm && opens_volumes
}

# Clevis, by which the engine binds encrypted volumes and opens those that are bound: scripts, and what they run. dracut's own
# modules of Clevis bring the half that decrypts, for an image that opens its root by it.
install_clevis() {
    inst_multiple -o bash cat mkdir mktemp rm grep sed tr cut curl jose clevis clevis-encrypt-{sss,tang,tpm2} \
        clevis-decrypt clevis-decrypt-{sss,tang,tpm2} \
        tpm2_{createprimary,create,createpolicy,pcrread,load,unseal,flushcontext}
    inst_libdir_file "libtss2-tcti-device.so*"
    find_binary clevis-encrypt-sss >/dev/null || dwarn "provision: Clevis has no pin sss here: the image will bind no volumes"
}

# systemd-cryptenroll, by which the engine enrolls a TPM for encrypted volumes, and cryptsetup, which opens those that are:
# what both load at run time, the plugin for the token and the libraries for TPMs.
install_enrollment() {
    local dir plugin=cryptsetup/libcryptsetup-token-systemd-tpm2.so
    inst_libdir_file "libtss2-esys.so*" "libtss2-rc.so*" "libtss2-mu.so*" "libtss2-tcti-device.so*" "$plugin"
    for dir in ${libdirs-}; do
        [[ -e $initdir$dir/$plugin && -e $initdir$dir/libtss2-esys.so.0 ]] && return 0
    done
    dwarn "provision: systemd's plugin for TPMs, or libtss2, is not installed here: the image will enroll no TPMs"
}

# zkey and zkey-cryptsetup, by which the keys of encrypted volumes are made and noted on CryptoExpress cards (s390x): the directories
# that they want, and the key by which later boots of the image open such volumes. It is no secret, but must be the same in
# each initramfs of the image: who makes the image puts it there, or Ignition's own module has brought it already.
install_card_keys() {
    local key=/etc/luks/cex.key
    inst_dir /etc/zkey/repository
    chmod 0700 "$initdir/etc/zkey/repository"
    inst_multiple -o /etc/zkey/kms-plugins.conf
    [[ -e $initdir$key || ! -s $dracutsysrootdir$key ]] || inst_simple "$key"
    [[ -e $initdir$key ]] ||
        dinfo "provision: there is no $key: volumes with cex get keys of their own, and no root file system can lie in one"
}

# Is the image for a machine that can have such cards?
is_s390x() {
    [[ ${DRACUT_ARCH:-$(uname -m)} == s390x ]]
}

depends() {
    left_out && return 0
    echo systemd systemd-initrd dracut-systemd
    # Drivers of every network card: where dracut has the module (Debian: dracut-network).
    [[ -d ${dracutbasedir-}/modules.d/90kernel-network-modules ]] && echo kernel-network-modules
    opens_volumes && echo dm
    return 0
}

installkernel() {
    left_out && return 0
    # "-o": a kernel that has a driver built in, or not at all, is no reason to fail.
    dracut_instmods -o qemu_fw_cfg virtio_pci virtio_mmio virtio_blk virtio_scsi sd_mod
    # Config drives and provisioning DVDs.
    dracut_instmods -o isofs udf sr_mod
    # The config is measured where there is a TPM.
    dracut_instmods -o tpm_tis tpm_crb
    # Which tells whether the memory of a guest of AMD's is encrypted.
    dracut_instmods -o msr
    # What the config's file systems are mounted with. vfat wants the tables of its names at the mount: cp437 and whichever
    # of the others the kernel was built to take. Checksums are found by name when a file system is mounted.
    dracut_instmods -o ext4 xfs btrfs virtiofs vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 crc32c crc32c_generic crc32c_intel
    # The levels of RAID: the kernel asks for them as md-level-N, when mdadm makes or assembles an array.
    ! has_program mdadm || dracut_instmods -o md_mod linear raid0 raid1 raid10 raid456
    # Encrypted volumes. The kernel asks for a cipher by its name when a volume is opened, and takes the fastest driver that
    # is there. The ciphers beside AES are those that people choose by --cipher.
    ! opens_volumes || dracut_instmods -o dm_mod dm_crypt xts ecb cbc essiv sha256_generic sha512_generic algif_skcipher \
        aes_generic aesni_intel aes_arm64 aes_ce_blk aes_neon_bs aes_neon_blk aes_s390 vmx_crypto \
        serpent_generic twofish_generic camellia_generic adiantum chacha_generic nhpoly1305
    # Keys of CryptoExpress cards, and the cipher for them.
    ! is_s390x || dracut_instmods -o ap zcrypt zcrypt_cex4 pkey pkey_cca paes_s390
    # Logical volumes: lvm asks for the targets by their names.
    ! makes_groups || dracut_instmods -o dm_mod dm_raid raid1 raid10 raid456 dm_thin_pool
    dracut_instmods -o virtio_net ena gve hv_netvsc vmxnet3 e1000 e1000e igb igc ixgbe ixgbevf i40e iavf ice r8169 tg3 \
        bnx2x bnxt_en mlx4_en mlx5_core bonding 8021q bridge af_packet ipv6
}

# The network for configs that are elsewhere, by systemd-networkd: installed, and started only when it is needed. An image
# without it fetches nothing, unless another module brings the network up.
install_network() {
    local unit
    inst_script "$moddir/provision-network" /usr/libexec/provision-network ||
        give_up "could not install provision-network"
    inst_multiple mkdir rm sleep systemctl || give_up "could not install what provision-network runs"
    if [[ ! -x $dracutsysrootdir$systemdutildir/systemd-networkd ]]; then
        dwarn "provision: no systemd-networkd: the image will not bring the network up by itself"
        return 0
    fi
    inst_multiple ip || give_up "could not install ip (package iproute2)"
    inst_multiple "$systemdutildir/systemd-networkd" "$systemdutildir/systemd-networkd-wait-online" \
        "$systemdutildir/systemd-network-generator" || give_up "could not install systemd-networkd"
    inst_simple "$moddir/provision-network-teardown.service" "$systemdsystemunitdir/provision-network-teardown.service"
    inst_simple "$moddir/provision-networkd.conf" "$systemdsystemunitdir/systemd-networkd.service.d/provision.conf"
    for unit in systemd-networkd.service systemd-networkd.socket network.target network-pre.target network-online.target; do
        inst_simple "$systemdsystemunitdir/$unit"
    done
    # It runs as a user of its own.
    grep -s '^systemd-network:' "$dracutsysrootdir/etc/passwd" >>"$initdir/etc/passwd" ||
        echo 'systemd-network:x:998:998::/:/usr/sbin/nologin' >>"$initdir/etc/passwd"
    grep -s '^systemd-network:' "$dracutsysrootdir/etc/group" >>"$initdir/etc/group" ||
        echo 'systemd-network:x:998:' >>"$initdir/etc/group"
}

# The emergency prompt: once more what failed, and commands to look, and to go on.
install_prompt() {
    local command
    inst_multiple cat mv journalctl systemctl || give_up "could not install what the emergency prompt runs"
    inst_script "$moddir/provision-prompt" /usr/libexec/provision/provision-prompt ||
        give_up "could not install provision-prompt"
    inst_dir /usr/libexec/provision/prompt
    for command in status plan logs resume; do
        ln_r /usr/libexec/provision/provision-prompt "/usr/libexec/provision/prompt/$command"
    done
    inst_simple "$moddir/provision-emergency.conf" "$systemdsystemunitdir/emergency.service.d/provision.conf"
    inst_simple "$moddir/provision-resume.service" "$systemdsystemunitdir/provision-resume.service"
    $SYSTEMCTL -q --root="$initdir" add-wants provision-complete.target provision-resume.service ||
        give_up "could not make provision-complete.target want provision-resume.service"
}

# dracut goes on when install() fails, and makes an image that cannot provision: rather make none.
give_up() {
    dfatal "provision: $1"
    exit 1
}

install() {
    left_out && return 0
    local engine=${PROVISION_BINARY:-$(command -v provision)} bundle service program programs here=()
    [[ -x $engine ]] || give_up "no engine: neither \$PROVISION_BINARY nor 'provision' in PATH is a program"
    inst_simple "$engine" /usr/bin/provision || give_up "could not install $engine"

    # What the engine may run, by its own word.
    mapfile -t programs < <("$engine" programs --names)
    [[ ${#programs[@]} -gt 0 ]] || give_up "$engine does not say which programs it may run"
    inst_multiple mount || give_up "could not install mount"
    # Those that are not on this machine are left out: a config that needs one is then refused by name and package, and an
    # image for machines without, say, Btrfs needs no btrfs-progs.
    for program in "${programs[@]}"; do
        [[ $program != zkey* ]] || is_s390x || continue
        if has_program "$program"; then
            here+=("$program")
        elif find_binary "$program" >/dev/null; then
            dinfo "provision: $program is left out, as PROVISION_LEAVE_OUT says"
        else
            dwarn "provision: $program is not installed here, so not in the image"
        fi
    done
    inst_multiple -o "${here[@]}" /etc/mke2fs.conf
    # By these an array gets its links; without them mdadm waits five seconds for /dev/md/NAME. Not 64-md-raid-assembly: who
    # wants arrays to be assembled that the config does not name takes dracut's module mdraid.
    [[ " ${here[*]} " != *" mdadm "* ]] || inst_rules 01-md-raid-creating.rules 63-md-raid-arrays.rules
    # And by these a logical volume gets its name. Not 64-lvm or 69-dm-lvm: who wants groups to be activated that the config
    # does not name takes dracut's module lvm. What checks the metadata of thin pools is wanted where there is one.
    if makes_groups; then
        inst_rules 11-dm-lvm.rules 56-lvm.rules
        inst_multiple -o thin_check thin_repair thin_dump
    elif [[ " ${here[*]} " == *" lvm "* ]]; then
        dwarn "provision: lvm is there, but no dmsetup, or not dracut's module dm: the image will make no logical volumes"
    fi
    [[ " ${here[*]} " != *" clevis "* ]] || install_clevis
    [[ " ${here[*]} " != *" systemd-cryptenroll "* ]] || install_enrollment
    [[ " ${here[*]} " != *" zkey "* ]] || install_card_keys
    opens_volumes || dwarn "provision: no dmsetup, or not dracut's module dm: the image will not open encrypted volumes"
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

    # Started by the mount of the filesystem that it asks, where there is one.
    inst_simple "$moddir/provision-decide.service" "$systemdsystemunitdir/provision-decide.service"
    inst_multiple udevadm || give_up "could not install udevadm"

    install_network

    install_prompt

    # Say again what failed, next to the prompt that would have scrolled it away.
    inst_hook emergency 05 "$moddir/provision-show-failure.sh"
    inst_hook shutdown-emergency 05 "$moddir/provision-show-failure.sh"
}
