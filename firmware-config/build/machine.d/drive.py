"""A drive with a volatile cache, as SD cards and eMMC have one: what was written since the last
flush may be lost, kept or torn when the power goes. It speaks NBD on a Unix socket; it knows
nothing of file systems."""

import os
import socket
import struct
import threading

SECTOR = 512
# The largest request that is taken; the emulator's are at most 32 MiB.
REQUEST_MAX = 32 * 1024 * 1024
# A thread that serves a dead emulator ends as soon as its socket does.
END_WAIT_S = 10

GREETING = b"NBDMAGIC" + b"IHAVEOPT"
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPTION_ABORT, OPTION_GO = 2, 7
OPTION_REPLY = 0x3E889045565A9
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 0x80000001
HAS_FLAGS, CAN_FLUSH = 1, 4
REQUEST, SIMPLE_REPLY = 0x25609513, 0x67446698
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
INVALID = 22

# What becomes of unflushed writes when the power goes. A lying drive also says that it has flushed
# what it has not.
POLICIES = ("none", "some", "all", "lying")


class Drive:
    """The image at `path` holds what is safe; the rest is in memory until a flush."""

    def __init__(self, path, address, policy, random):
        self.path, self.address = path, address
        self.policy, self.random = policy, random
        self.live, self.pending = bytearray(), []
        self.thread = self.listener = None
        self.unflushed = self.lost = self.torn = 0

    def start(self):
        """Serves one emulator, the next one after `power_loss`."""
        with open(self.path, "rb") as image:
            self.live = bytearray(image.read())
        self.pending = []
        if os.path.exists(self.address):
            os.unlink(self.address)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def power_loss(self):
        """To be called when the emulator is dead."""
        if self.thread is None:
            return
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(END_WAIT_S)
        if self.thread.is_alive():
            raise RuntimeError("the drive is still in use by an emulator that should be dead")
        self.thread = None
        self.unflushed += len(self.pending)
        self.pending = list(filter(None, map(self._survivor, self.pending)))
        self._flush()

    def _survivor(self, write):
        """What is left of an unflushed write, if anything is."""
        offset, data = write
        if self.policy == "all":
            return write
        if self.policy != "some" or self.random.random() < 0.5:
            self.lost += 1
            return None
        if len(data) > SECTOR and self.random.random() < 0.3:
            data = data[: SECTOR * self.random.randrange(1, len(data) // SECTOR)]
            self.torn += 1
        return offset, data

    def _flush(self):
        with open(self.path, "r+b") as image:
            for offset, data in self.pending:
                image.seek(offset)
                image.write(data)
        self.pending = []

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            try:
                if self._agree(connection):
                    while self._answer(connection):
                        pass
            except (EOFError, OSError):
                return  # the power has gone in the middle of a request

    def _agree(self, connection):
        connection.sendall(GREETING + struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
        receive(connection, 4)
        while True:
            _, option, length = struct.unpack(">8sII", receive(connection, 16))
            receive(connection, min(length, REQUEST_MAX))
            if option == OPTION_GO:
                export = struct.pack(">HQH", 0, len(self.live), HAS_FLAGS | CAN_FLUSH)
                reply(connection, option, REPLY_INFO, export)
                reply(connection, option, REPLY_ACK)
                return True
            if option == OPTION_ABORT:
                reply(connection, option, REPLY_ACK)
                return False
            reply(connection, option, REPLY_UNSUPPORTED)

    def _answer(self, connection):
        """One request; false at the end."""
        head = struct.unpack(">IHHQQI", receive(connection, 28))
        magic, _, kind, handle, offset, length = head
        if magic != REQUEST or kind == DISCONNECT:
            return False
        error, data = 0, b""
        inside = length <= REQUEST_MAX and offset + length <= len(self.live)
        if kind == WRITE and inside:
            written = receive(connection, length)
            self.live[offset : offset + length] = written
            self.pending.append((offset, written))
        elif kind == READ and inside:
            data = bytes(self.live[offset : offset + length])
        elif kind == FLUSH:
            if self.policy != "lying":
                self._flush()
        else:
            error = INVALID
        connection.sendall(struct.pack(">IIQ", SIMPLE_REPLY, error, handle) + data)
        return kind != WRITE or inside


def receive(connection, length):
    """Exactly so many bytes."""
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def reply(connection, option, kind, data=b""):
    connection.sendall(struct.pack(">QIII", OPTION_REPLY, option, kind, len(data)) + data)
