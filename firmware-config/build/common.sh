# Sourced by the scripts beside it: where things are, and what is pinned. Everything is written below
# $LAB; nothing is installed on the system but what is named by a line "installing ...".
set -euo pipefail

BUILD=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$BUILD/../.." && pwd)
LAB=${LAB:-$REPO/target/cross}
# Debian that tools and libraries for ARM are taken from; its rustc-web is new enough.
SUITE=${SUITE:-trixie}
# PyPI: zig is C compiler and linker for every target, cargo-zigbuild tells cargo of it.
ZIG=${ZIG:-0.17.0}
ZIGBUILD=${ZIGBUILD:-0.24.0}
# The oldest glibc that the binaries run on (Debian 10, Yocto dunfell).
GLIBC=${GLIBC:-2.28}
# rustup: std from rustup's own site. debian: compiler and std from Debian's packages. Empty: the first
# that works.
RUST_FROM=${RUST_FROM:-}
RUSTUP_WAIT_S=120

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit "${1:-0}"; }

# The three names of one architecture: Rust's, Debian's, and that of the emulator.
architecture() {
  case ${1:-} in
    aarch64|arm64) ARCH=aarch64 TRIPLE=aarch64-unknown-linux-gnu DEB=arm64 QEMU=qemu-aarch64 ;;
    armv7|armhf) ARCH=armv7 TRIPLE=armv7-unknown-linux-gnueabihf DEB=armhf QEMU=qemu-arm ;;
    x86_64|amd64) ARCH=x86_64 TRIPLE=x86_64-unknown-linux-gnu DEB=amd64 QEMU= ;;
    *) die "which architecture? aarch64, armv7 or x86_64, not '${1:-}'" ;;
  esac
  SYSROOT=$LAB/sysroot-$DEB
}

# Runs a program of $ARCH: by the emulator, or as it is.
emulated() {
  if [ -z "$QEMU" ]; then "$@"; else "$LAB/qemu/usr/bin/$QEMU" -L "$SYSROOT" "$@"; fi
}

# What cargo needs for building for another architecture with zig.
cross_environment() {
  if [ -x "$LAB/bin/rustc" ]; then export RUSTC=$LAB/bin/rustc RUSTDOC=$LAB/bin/rustdoc; fi
  unset RUSTC_WRAPPER RUSTFLAGS
  export PATH="$LAB/zig/bin:$PATH" PYTHONPATH="$LAB/zig"
  export CARGO_ZIGBUILD_CACHE_DIR=$LAB/cache/zigbuild ZIG_GLOBAL_CACHE_DIR=$LAB/cache/zig
  export CARGO_TARGET_DIR=$LAB/cargo
}
