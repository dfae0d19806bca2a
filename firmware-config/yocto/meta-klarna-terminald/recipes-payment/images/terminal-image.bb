SUMMARY = "A payment terminal: read-only root, data partition, updates in two slots"
LICENSE = "MIT | Apache-2.0"

inherit core-image

# No package manager and no debug-tweaks: what runs is what was built.
IMAGE_FEATURES = "read-only-rootfs"
IMAGE_FSTYPES += "ext4 wic"
WKS_FILE = "terminal-ab.wks"

IMAGE_INSTALL = "packagegroup-core-boot klarna-terminald \
    ${@bb.utils.contains('BBFILE_COLLECTIONS', 'rauc', 'klarna-terminald-rauc', '', d)}"

terminal_image_files() {
    cp -R --no-preserve=ownership ${KLARNA_TERMINALD_IMAGE_FILES}/. ${IMAGE_ROOTFS}/
    # The configuration of a new terminal, copied once to the data partition.
    install -d ${IMAGE_ROOTFS}${datadir}/klarna-terminald ${IMAGE_ROOTFS}/data
    install -d ${IMAGE_ROOTFS}${sysconfdir}/credstore.encrypted
    mv ${IMAGE_ROOTFS}${sysconfdir}/klarna-terminald/terminal.toml \
        ${IMAGE_ROOTFS}${datadir}/klarna-terminald/terminal.toml
}
ROOTFS_POSTPROCESS_COMMAND += "terminal_image_files; "
do_rootfs[file-checksums] += "${KLARNA_TERMINALD_IMAGE_FILES}/etc/fstab:True"
