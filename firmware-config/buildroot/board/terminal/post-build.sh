#!/bin/sh
# Runs before the root file system is packed; $1 is its directory. Makes what a read-only root needs
# and refuses an image that would not work. Knows nothing of the board.
set -eu

target=$1

# Mount points must exist, because nothing can make them on a read-only root.
for dir in data etc/klarna-terminald etc/credstore.encrypted var/lib/klarna-terminald; do
    mkdir -p "$target/$dir"
done

fail() {
    echo "post-build: $1" >&2
    exit 1
}

[ -x "$target/usr/bin/klarna-terminald" ] || fail "klarna-terminald is not on the image"
[ -e "$target/usr/share/zoneinfo/Europe/Berlin" ] ||
    fail "the zone database is not on the image: set BR2_TARGET_TZ_INFO"
if [ -e "$target/etc/klarna-terminald/api-key" ]; then
    fail "an API key is on the image: every terminal would have the same one, and so would a thief"
fi
