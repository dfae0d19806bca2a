"""One machine with all that belongs to it: an empty disk, a Klarna with empty books, a till. It
knows nothing of what is done with it."""

import atexit
import fcntl
import glob
import os
import random
import shutil
import subprocess
import sys

import cuts
import guest
from drive import Drive
from emulator import Emulator
from klarna import Klarna
from till import Till

BUILD = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPO = os.path.dirname(os.path.dirname(BUILD))
LAB = os.environ.get("LAB", os.path.join(REPO, "target", "cross"))
FOLDER = os.path.join(LAB, "machine")
DISK_BYTES = 64 * 1024 * 1024
PANEL = (480, 800)
# Programs of this computer, and Debian's packages of them.
NEEDED = {
    "zbarimg": "zbar-tools",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "setpriv": "util-linux",
}
# What a console says when something went wrong that nobody has asked for.
BAD_LINES = (
    *("ENDED", "CONFIG REFUSED", "NO DATA DISK", "no module"),
    *("the program has a defect", "EXT4-fs error", "Kernel panic", "Oops"),
)


def say(text):
    print(text, flush=True)


def fetch():
    """Everything that this needs; the first time only."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = sorted({package for name, package in NEEDED.items() if not shutil.which(name)})
    if missing and not shutil.which("apt-get"):
        sys.exit(f"please install {' '.join(missing)} (Debian's names)")
    if missing:
        say(f"installing {' '.join(missing)}")
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-q", *missing], check=True)
    subprocess.run([f"{BUILD}/tools", "emulator", "machine"], check=True)


def host_program():
    """The daemon for this computer, which plays Klarna and reads journals: a copy, so that a build
    beside this run changes nothing."""
    program = os.path.join(REPO, "target", "release", "klarna-terminald")
    if not os.path.exists(program):
        say("building the daemon for this computer")
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=REPO, check=True)
    return shutil.copy(program, os.path.join(FOLDER, "klarna-terminald"))


def unpacked_package(options):
    """Where it came from, and a folder with what the package installs."""
    root = os.path.join(FOLDER, "root")
    shutil.rmtree(root, ignore_errors=True)
    if options.program:
        copies = {
            options.program: "usr/bin/klarna-terminald",
            f"{REPO}/systemd/klarna-terminald.sysusers": "usr/lib/sysusers.d/klarna-terminald.conf",
            f"{REPO}/systemd/klarna-terminald.tmpfiles": "usr/lib/tmpfiles.d/klarna-terminald.conf",
        }
        for source, path in copies.items():
            os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
            shutil.copy(source, f"{root}/{path}")
        os.chmod(f"{root}/usr/bin/klarna-terminald", 0o755)
        return options.program, root
    packages = [options.package] if options.package else []
    packages = packages or glob.glob(f"{LAB}/packages/klarna-terminald_*_arm64.deb")
    if not packages:
        subprocess.run([f"{BUILD}/package", "arm64"], check=True, stdout=sys.stderr)
        packages = glob.glob(f"{LAB}/packages/klarna-terminald_*_arm64.deb")
    package = max(packages, key=os.path.getmtime)
    guest.unpack(package, root)
    return package, root


def settings(klarna, options):
    """The files of /etc/klarna-terminald."""
    with open(f"{BUILD}/machine.d/terminal.toml", encoding="utf-8") as file:
        config = file.read()
    config = config.replace("@PORT@", str(klarna.port))
    config = config.replace("@CHECKSUMS@", "false" if options.command == "boot" else "true")
    return {
        "terminal.toml": config.encode(),
        "ca.pem": klarna.file("ca.pem"),
        "api-key": klarna.file("api-key"),
    }


class Lab:
    """A new machine with an empty disk, a new Klarna with empty books, and a till."""

    def __init__(self, options, seed):
        os.makedirs(FOLDER, exist_ok=True)
        self.lock = open(f"{FOLDER}/lock", "w", encoding="utf-8")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another machine runs in {FOLDER}")
        fetch()
        for old in glob.glob(f"{FOLDER}/console-*.log"):
            os.unlink(old)
        self.random = random.Random(seed)
        self.program = host_program()
        self.klarna = Klarna(self.program, FOLDER)
        atexit.register(self.klarna.end)
        self.source, root = unpacked_package(options)
        guest.build(f"{FOLDER}/initramfs.cpio", LAB, root, settings(self.klarna, options))
        guest.new_disk(f"{FOLDER}/disk.img", DISK_BYTES)
        disk = (f"{FOLDER}/disk.img", f"{FOLDER}/disk.sock")
        self.drive = Drive(*disk, options.volatile, random.Random(f"{seed} drive"))
        self.emulator = Emulator(LAB, FOLDER, self.drive, PANEL)
        atexit.register(self.emulator.power_cut)
        self.switch = cuts.Switch(self.emulator)
        self.till = Till(self.klarna, self.random, self.switch.moment)
        self.run = cuts.Run(self.emulator, self.till, self.switch, self.random)

    def complaints(self):
        """What the guest's consoles say of a daemon that has ended, or of a damaged disk."""
        ended = []
        for boot in range(1, self.emulator.boots + 1):
            with open(self.emulator.console(boot), encoding="utf-8", errors="replace") as console:
                lines = console.read().splitlines()
            bad = (line for line in lines if any(word in line for word in BAD_LINES))
            ended += [f"boot {boot}: {line}" for line in bad]
        return ended
