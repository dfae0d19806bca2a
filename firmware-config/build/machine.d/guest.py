"""What the machine starts with: an initramfs of Debian's kernel modules, busybox, the C library and
the unpacked package with a configuration of its own. It knows nothing of the emulator."""

import lzma
import os
import stat
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("crc32c_generic", "libcrc32c", "virtio_blk", "ext4", "virtio_gpu", "virtio_net")
LIBRARIES = (
    *("ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"),
    *("librt.so.1", "libgcc_s.so.1"),
)
USER = "klarna-terminald"
# Numbers of the package's user and of Debian's groups for devices.
USER_ID = 990
GROUPS = {"root": 0, "tty": 5, "dialout": 20, "video": 44, "input": 105, USER: USER_ID}
SETTINGS = "etc/klarna-terminald"


class Archive:
    """A cpio archive in the form that the kernel unpacks (newc)."""

    def __init__(self):
        self.parts, self.known, self.number = [], set(), 0

    def entry(self, name, mode, data=b"", owner=(0, 0), device=(0, 0)):
        self.number += 1
        name_bytes = name.encode() + b"\0"
        fields = (self.number, mode, *owner, 1, 0, len(data), 0, 0, *device, len(name_bytes), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.parts += [padded(head + name_bytes), padded(data)]

    def folder(self, path, mode=0o755, owner=(0, 0)):
        if path and path not in self.known:
            self.folder(os.path.dirname(path))
            self.known.add(path)
            self.entry(path, stat.S_IFDIR | mode, owner=owner)

    def file(self, path, data, mode=0o644, owner=(0, 0)):
        if path in self.known:
            raise ValueError(f"{path} is in the archive twice")
        self.known.add(path)
        self.folder(os.path.dirname(path))
        self.entry(path, stat.S_IFREG | mode, data, owner)

    def tree(self, root, without):
        """All of a folder but the paths `without`."""
        for folder, folders, files in os.walk(root):
            folders.sort()
            for name in sorted(folders + files):
                full = os.path.join(folder, name)
                path = os.path.relpath(full, root)
                mode = os.lstat(full).st_mode
                if stat.S_ISLNK(mode):
                    self.folder(os.path.dirname(path))
                    self.entry(path, stat.S_IFLNK | 0o777, os.readlink(full).encode())
                elif stat.S_ISDIR(mode):
                    self.folder(path, stat.S_IMODE(mode))
                elif path not in without:
                    self.file(path, read(full), stat.S_IMODE(mode))

    def write(self, path):
        self.entry("TRAILER!!!", 0)
        with open(path, "wb") as out:
            out.write(b"".join(self.parts))


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def build(path, lab, root, settings):
    """Writes the initramfs to `path`. `lab` has what `tools machine` has fetched, `root` the
    unpacked package; `settings` are files of /etc/klarna-terminald by their names."""
    archive = Archive()
    for folder in ("proc", "sys", "dev", "tmp", "run", "bin", "etc", "var/lib"):
        archive.folder(folder)
    archive.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("init", read(os.path.join(HERE, "init")), 0o755)
    archive.file("bin/busybox", read(f"{lab}/busybox/usr/bin/busybox"), 0o755)
    libraries = f"{lab}/sysroot-arm64/usr/lib/aarch64-linux-gnu"
    for library in LIBRARIES:
        archive.file(f"lib/{library}", read(f"{libraries}/{library}"), 0o755)
    owner = (0, USER_ID)
    archive.folder(SETTINGS, 0o750, owner)
    for name, data in settings.items():
        archive.file(f"{SETTINGS}/{name}", data, 0o640, owner)
    archive.tree(root, {f"{SETTINGS}/{name}" for name in settings})
    people(archive, read_text(f"{root}/usr/lib/sysusers.d/klarna-terminald.conf"))
    tmpfiles(archive, read_text(f"{root}/usr/lib/tmpfiles.d/klarna-terminald.conf"))
    archive.file("etc/hosts", b"127.0.0.1 localhost\n10.0.2.2 klarna.test\n")
    archive.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files\n")
    modules(archive, f"{lab}/kernel/usr/lib/modules")
    archive.write(path)


def read_text(path):
    return read(path).decode()


def people(archive, sysusers):
    """Users and groups as systemd-sysusers makes them of the package's file."""
    members, home = {group: [] for group in GROUPS}, None
    for words in map(str.split, sysusers.splitlines()):
        if words[:2] == ["u", USER]:
            home = words[-2]
        elif words[:1] == ["m"]:
            members[words[2]].append(words[1])
    if home is None:
        raise ValueError(f"the package makes no user {USER}")
    user = f"{USER}:x:{USER_ID}:{USER_ID}::{home}:/usr/sbin/nologin\n"
    archive.file("etc/passwd", f"root:x:0:0::/:/bin/sh\n{user}".encode())
    groups = (f"{name}:x:{number}:{','.join(members[name])}\n" for name, number in GROUPS.items())
    archive.file("etc/group", "".join(groups).encode())


def tmpfiles(archive, lines):
    """The folders of the package's tmpfiles, as shell commands for the guest."""
    words = [line.split() for line in lines.splitlines() if line[:1] in ("d", "r")]
    commands = []
    for kind, path, *rest in words:
        if kind == "d":
            mode, user, group = rest[:3]
            commands.append(f"mkdir -p {path}; chmod {mode} {path}; chown {user}:{group} {path}\n")
        else:
            commands.append(f"rm -f {path}\n")
    archive.file("etc/tmpfiles.sh", "".join(commands).encode())


def modules(archive, folder):
    """The kernel's modules with what they need, and the order in which they are loaded."""
    found, builtin = {}, set()
    for place, _, files in os.walk(folder):
        found.update({module_name(f): os.path.join(place, f) for f in files if ".ko" in f})
        if "modules.builtin" in files:
            lines = read_text(os.path.join(place, "modules.builtin")).splitlines()
            builtin.update(module_name(os.path.basename(line)) for line in lines)
    order = []

    def add(name):
        if name in order or name in builtin or not name:
            return
        if name not in found:
            raise ValueError(f"the kernel has no module {name}")
        data = unpacked(found[name])
        for needed in modinfo(data, b"depends").split(","):
            add(needed.replace("-", "_"))
        order.append(name)
        archive.file(f"lib/modules/{name}.ko", data)

    for name in MODULES:
        add(name)
    archive.file("etc/modules", "".join(f"{name}\n" for name in order).encode())


def module_name(file):
    return file.split(".ko")[0].replace("-", "_")


def unpacked(path):
    return lzma.decompress(read(path)) if path.endswith(".xz") else read(path)


def modinfo(data, key):
    start = data.find(b"\0" + key + b"=")
    if start < 0:
        return ""
    start += len(key) + 2
    return data[start : data.index(b"\0", start)].decode()


def unpack(package, folder):
    """The package's files, below `folder`."""
    subprocess.run(["dpkg", "-x", package, folder], check=True)


def new_disk(path, size):
    """An empty data disk of `size` bytes."""
    with open(path, "wb") as image:
        image.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", path], check=True)
