"""The emulated machine: one process of the emulator, its serial line and its panel. It knows
nothing of payments."""

import json
import os
import signal
import socket
import subprocess
import time

MEMORY_MB = 256
PROCESSORS = 2
# A dead process is gone at once; QMP answers within moments even on a busy host.
DEATH_WAIT_S = 10
QMP_WAIT_S = 30


class Emulator:
    """Start it, cut its power, start it again: only the drive's safe content stays."""

    def __init__(self, lab, folder, drive, panel):
        self.lab, self.folder, self.drive, self.panel = lab, folder, drive, panel
        self.process = None
        # Whether it was us: a machine that ends by itself has a defect.
        self.was_cut = False
        self.boots = 0
        self.started = 0.0
        self.serial = os.path.join(folder, "till.sock")
        self.qmp = os.path.join(folder, "qmp.sock")

    def console(self, boot=None):
        """The file with what the guest's console said since that boot; the last one without."""
        return os.path.join(self.folder, f"console-{boot or self.boots:03}.log")

    def start(self):
        self.drive.start()
        for address in (self.serial, self.qmp):
            if os.path.exists(address):
                os.unlink(address)
        self.boots += 1
        self.was_cut = False
        log = os.path.join(self.folder, "emulator.log")
        self.started = time.monotonic()
        with open(log, "ab") as out:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            self.process = subprocess.Popen(self._command(), **streams, start_new_session=True)

    def _command(self):
        kernels = sorted(os.listdir(f"{self.lab}/kernel/boot"))
        kernel = next(name for name in kernels if name.startswith("vmlinuz-"))
        width, height = self.panel
        drive = f"server.type=unix,server.path={self.drive.address}"
        return [
            *("setpriv", "--pdeathsig", "KILL", f"{self.lab}/bin/qemu-system-aarch64"),
            *("-machine", "virt", "-cpu", "cortex-a53"),
            *("-smp", str(PROCESSORS), "-m", str(MEMORY_MB)),
            *("-nodefaults", "-display", "none", "-no-reboot"),
            *("-kernel", f"{self.lab}/kernel/boot/{kernel}"),
            *("-initrd", f"{self.folder}/initramfs.cpio"),
            *("-append", "console=ttyAMA0 quiet loglevel=4 panic=1"),
            *("-serial", f"file:{self.console()}"),
            *("-chardev", f"socket,id=till,path={self.serial},server=on,wait=off"),
            *("-serial", "chardev:till"),
            *("-device", f"virtio-gpu-pci,xres={width},yres={height},romfile="),
            *("-blockdev", f"driver=nbd,node-name=data,{drive}"),
            *("-device", "virtio-blk-pci,drive=data,write-cache=on,romfile="),
            *("-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-qmp", f"unix:{self.qmp},server=on,wait=off"),
        ]

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def power_cut(self):
        """The process is killed in whatever it does."""
        if self.is_running():
            self.was_cut = True
            self.process.send_signal(signal.SIGKILL)

    def after_cut(self):
        """When `power_cut` was called: what the drive makes of it."""
        if self.process is not None:
            self.process.wait(DEATH_WAIT_S)
            self.process = None
        self.drive.power_loss()

    def screenshot(self, path):
        """What the panel shows, as PNG."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(QMP_WAIT_S)
            connection.connect(self.qmp)
            lines = connection.makefile("rw")
            lines.readline()
            ask(lines, "qmp_capabilities")
            ask(lines, "screendump", filename=os.path.abspath(path), format="png")


def ask(lines, command, **arguments):
    """One command of QMP; events between are skipped."""
    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    lines.flush()
    while True:
        answer = json.loads(lines.readline())
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']['desc']}")
        if "return" in answer:
            return answer["return"]
