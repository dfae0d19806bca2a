SUMMARY = "Payment-terminal daemon: takes Klarna payments at the till with a QR code"
DESCRIPTION = "Serves a till over a serial line or TCP, shows a QR code on the panel, and keeps the \
    queue of captures and refunds in sync with Klarna. Independent software, not made or endorsed by \
    Klarna."
SECTION = "payment"
LICENSE = "(MIT | Apache-2.0) & OFL-1.1"
LIC_FILES_CHKSUM = "file://LICENSE;md5=bbe56e8eb02548fa3fcafe9a343a0ae7 \
    file://src/display/font/OFL.txt;md5=c8aafaf49aa989e6f9cb0facdac1365b"

# Where the source is, and which commit: set both in a distro or local configuration, such as
#     KLARNA_TERMINALD_REPOSITORY = "git://git.example/klarna-terminald.git;protocol=https;branch=main"
# Until then the recipe is left out, rather than built from whatever is newest.
KLARNA_TERMINALD_REPOSITORY ?= ""
KLARNA_TERMINALD_COMMIT ?= ""

python () {
    import re
    if not d.getVar("KLARNA_TERMINALD_REPOSITORY"):
        raise bb.parse.SkipRecipe("KLARNA_TERMINALD_REPOSITORY is not set: where is the source?")
    if not re.fullmatch("[0-9a-f]{40}", d.getVar("KLARNA_TERMINALD_COMMIT")):
        raise bb.parse.SkipRecipe("KLARNA_TERMINALD_COMMIT is no full commit id of 40 hex digits")
}

# destsuffix: the directory that S means by default, in releases with and without UNPACKDIR.
SRC_URI = "${KLARNA_TERMINALD_REPOSITORY};destsuffix=${BP}"
SRCREV = "${KLARNA_TERMINALD_COMMIT}"
PV = "0.1.0"

inherit cargo systemd useradd

# One URL and one SHA-256 for each entry of Cargo.lock; cargo runs with --frozen. Made by
# firmware-config/yocto/crates-inc, which CI can call with --check.
require ${BPN}-crates.inc

require ${BPN}.inc
