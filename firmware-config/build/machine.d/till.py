"""A till as docs/till-protocol.md tells its maker to write one: it stores a result before it
acknowledges it, and after a power cut of the terminal it asks, or sends the same command again. It
knows nothing of the emulator; of Klarna it knows the shopper."""

import json
import select
import socket
import time
from dataclasses import dataclass, field

# A sale is decided within payment.timeout_s at the latest.
RESULT_WAIT_S = 150
# The terminal answers everything but a sale at once.
ANSWER_WAIT_S = 60
# From power to the first answer; a busy host emulates slowly.
READY_WAIT_S = 240
HELLO_PACE_S = 0.5
# The emulator opens its side of the line before anything else.
LINE_WAIT_S = 30


class PowerCut(Exception):
    """The line is dead."""


class Wrong(Exception):
    """The terminal did what it must never do."""


@dataclass
class Sale:
    """What the till has in its own books; `told` is the terminal's last word."""

    ref: str
    amount: int
    kind: str
    told: str = "unknown"
    payment_reference: str = ""
    has_paid: bool = False
    was_heard: bool = False
    returned: list = field(default_factory=list)

    @property
    def is_settled(self):
        return self.told not in ("unknown", "approved")


@dataclass
class Return:
    """A refund that the till has asked for; `told` is the terminal's last word."""

    ref: str
    sale: Sale
    amount: int
    told: str = "unknown"
    op: str = "refund"


def crc(data):
    """CRC-16/IBM-3740."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1
    return value


class Line:
    """The serial line's end at the till: one JSON object per line, each with its checksum."""

    def __init__(self, address):
        self.buffer = b""
        until = time.monotonic() + LINE_WAIT_S
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(address)
                self.socket.settimeout(ANSWER_WAIT_S)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                self.socket.close()
                if time.monotonic() > until:
                    raise PowerCut from None
                time.sleep(0.05)

    def close(self):
        self.socket.close()

    def has_room(self):
        """False while nobody at the other end reads, and the line is full."""
        return bool(select.select([], [self.socket], [], 0)[1])

    def send(self, message):
        data = json.dumps(message, separators=(",", ":")).encode()
        try:
            self.socket.sendall(data + b"*%04X\n" % crc(data))
        except OSError:
            raise PowerCut from None

    def receive(self, until):
        """The next line; `None` when the time is up."""
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                raise PowerCut
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")


class Till:
    """Sells over `line`. `moment(name)` is called wherever a power cut is worth trying."""

    def __init__(self, klarna, random, moment):
        self.klarna, self.random, self.moment = klarna, random, moment
        self.line = None
        self.sales, self.returns = [], []
        self.hellos = 0
        self.stage = {}
        self.answers = {}

    # --- the line -------------------------------------------------------------------------------

    def connect(self, address):
        """Says hello until the terminal answers; until it has set its line up, that may be
        damaged, or come back as an echo of the kernel's."""
        until = time.monotonic() + READY_WAIT_S
        self.hang_up()
        self.line = Line(address)
        self.hellos += 1
        self.stage.clear()
        self.answers.clear()
        ref = f"hello-{self.hellos}"
        while time.monotonic() < until:
            if self.line.has_room():
                self.line.send({"op": "hello", "ref": ref, "protocol": 1})
            pace = time.monotonic() + HELLO_PACE_S
            while (line := self.line.receive(pace)) is not None:
                event = readable(line)
                if event and event.get("ref") == ref and event.get("event") == "hello":
                    return
        raise Wrong(f"no answer within {READY_WAIT_S} s of the start")

    def hang_up(self):
        if self.line is not None:
            self.line.close()
            self.line = None

    def hear(self, until):
        """Takes in one line; false when the time is up."""
        line = self.line.receive(until)
        if line is None:
            return False
        event = readable(line)
        if event is None or "event" not in event:
            raise Wrong(f"a line that is no event with a right checksum: {line!r}")
        self.take_in(event)
        return True

    def take_in(self, event):
        kind, ref = event["event"], event.get("ref")
        if kind == "hello":
            return  # a second answer to a hello that was sent while the terminal started
        if kind == "progress":
            self.stage[ref] = event["stage"]
            self.sale(ref).was_heard = True
        elif kind == "result":
            self.decide(event)
        elif kind == "operation":
            self.note_return(event)
        self.answers[ref, kind] = event

    def send(self, message, kind):
        """A command whose answer will be of this kind, or an error."""
        self.answered(message["ref"], kind)
        self.line.send(message)

    def answered(self, ref, kind):
        """The newest answer, once; an error counts as one."""
        error = self.answers.pop((ref, "error"), None)
        return self.answers.pop((ref, kind), None) or error

    def ask(self, message, kind):
        """Sends a command and waits for its answer."""
        self.send(message, kind)
        return self.answer(message["ref"], kind)

    def answer(self, ref, kind):
        until = time.monotonic() + ANSWER_WAIT_S
        while (answer := self.answered(ref, kind)) is None:
            if not self.hear(until):
                raise Wrong(f"no answer about {ref} within {ANSWER_WAIT_S} s")
        return answer

    # --- the till's own books -------------------------------------------------------------------

    def sale(self, ref):
        return next((sale for sale in self.sales if sale.ref == ref), None)

    def decide(self, result):
        """A result is stored; it may only ever turn from approved into given back."""
        sale = self.sale(result["ref"])
        if sale is None:
            raise Wrong(f"a result of no sale: {result}")
        if result["amount"] != sale.amount:
            raise Wrong(f"{sale.ref} is of {sale.amount}, its result of {result['amount']}")
        status = result["status"]
        legal = {
            "unknown": ("approved", "not_paid", "voided"),
            "approved": ("approved", "voided"),
            "acknowledged": ("approved",),
            "not_paid": ("not_paid",),
            "voided": ("voided",),
            "not_known": (),
        }
        if status not in legal[sale.told]:
            raise Wrong(f"{sale.ref} was {sale.told} and is now {status}")
        if sale.told != "acknowledged":
            sale.told = status
        sale.payment_reference = result["payment_reference"]

    def note_return(self, operation):
        given = next((r for r in self.returns if r.ref == operation["ref"]), None)
        if given is None:
            return  # captures and voids of the terminal's own accord
        if operation["amount"] != given.amount:
            raise Wrong(f"{given.ref} is of {given.amount}, not of {operation['amount']}")
        if given.told == "done" and operation["status"] != "done":
            raise Wrong(f"{given.ref} was done and is now {operation['status']}")
        given.told, given.op = operation["status"], operation["op"]

    # --- what a till does -----------------------------------------------------------------------

    def sell(self, amount, kind):
        """One sale from start to end; `kind` says what goes otherwise than usual."""
        sale = Sale(f"S-{len(self.sales) + 1:04}", amount, kind)
        self.sales.append(sale)
        self.send_sale(sale)
        self.finish(sale)
        return sale

    def send_sale(self, sale):
        message = {"op": "sale", "ref": sale.ref, "amount": sale.amount, "currency": "EUR"}
        self.send({**message, "merchant_reference": sale.ref}, "result")
        self.moment("sale")

    def finish(self, sale):
        """From wherever the sale is to the till's last word about it."""
        if sale.told == "unknown":
            self.until_result(sale)
        if sale.told == "approved":
            self.moment("approved")
            self.after_approval(sale)

    def until_result(self, sale):
        until = time.monotonic() + RESULT_WAIT_S
        shown = None
        while sale.told == "unknown":
            if (stage := self.stage.get(sale.ref)) != shown:
                shown = stage
                self.at_stage(sale, stage)
                continue
            if not self.hear(until):
                raise Wrong(f"{sale.ref} is undecided after {RESULT_WAIT_S} s, at {shown}")
            if (error := self.answers.pop((sale.ref, "error"), None)) is not None:
                raise Wrong(f"{sale.ref}: {error['code']}: {error['text']}")

    def at_stage(self, sale, stage):
        """What the shopper and the cashier do when the terminal says so."""
        self.moment(stage)
        if stage == "shopper_paying" and sale.kind == "decline":
            self.klarna.shopper(sale.ref, "decline")
        elif stage == "awaiting_shopper" and sale.kind == "decline":
            self.klarna.shopper(sale.ref, "open")
        elif stage in ("awaiting_shopper", "scan_again"):
            if sale.kind != "abort":
                sale.has_paid = self.klarna.shopper(sale.ref, "approve")
                self.moment("paid")
            if sale.kind in ("abort", "abort_late"):
                self.abort(sale)

    def abort(self, sale):
        self.line.send({"op": "abort", "ref": sale.ref})
        self.moment("abort")

    def after_approval(self, sale):
        if sale.kind == "void":
            self.ask({"op": "void", "ref": f"V-{sale.ref}", "sale": sale.ref}, "operation")
            self.moment("void")
            self.await_word(sale, "voided")
        elif sale.kind == "forget":
            self.await_word(sale, "voided")
        else:
            self.acknowledge(sale)

    def acknowledge(self, sale):
        """Until the terminal has heard it, or says that it has come too late."""
        until = time.monotonic() + ANSWER_WAIT_S
        self.send({"op": "ack", "ref": sale.ref}, "acknowledged")
        self.moment("ack")
        while sale.told == "approved":
            if not self.hear(until):
                raise Wrong(f"{sale.ref}: no answer to the acknowledgement in {ANSWER_WAIT_S} s")
            answer = self.answered(sale.ref, "acknowledged")
            if answer and answer["event"] == "acknowledged":
                sale.told = "acknowledged"
                self.moment("acknowledged")
            elif answer:
                raise Wrong(f"{sale.ref}: the acknowledgement was answered by {answer}")

    def await_word(self, sale, word):
        until = time.monotonic() + ANSWER_WAIT_S
        while sale.told != word:
            if not self.hear(until):
                raise Wrong(f"{sale.ref} is {sale.told} and not {word} after {ANSWER_WAIT_S} s")

    def give_back(self, sale, amount):
        """A refund, whose answer may be that it waits."""
        given = Return(f"F-{len(self.returns) + 1:04}", sale, amount)
        self.returns.append(given)
        sale.returned.append(given)
        self.send_return(given)

    def send_return(self, given):
        message = {"op": "refund", "ref": given.ref, "sale": given.sale.ref}
        self.send({**message, "amount": given.amount, "currency": "EUR"}, "operation")
        self.moment("refund")
        answer = self.answer(given.ref, "operation")
        if answer["event"] == "error":
            raise Wrong(f"{given.ref}: {answer['code']}: {answer['text']}")

    def status(self, ref):
        answer = self.ask({"op": "status", "ref": ref}, "status")
        if answer["event"] != "status":
            raise Wrong(f"the status of {ref} was answered by {answer}")
        return answer

    def settle(self):
        """After a power cut: everything that the till is in doubt about, as the protocol says."""
        for sale in [sale for sale in self.sales if not sale.is_settled]:
            self.moment("settle")
            if self.random.random() < 0.3:
                # The same command again gets the same answer, or starts what was never heard of.
                self.send_sale(sale)
            elif not self.ask_about(sale):
                continue
            self.finish(sale)
        for given in [given for given in self.returns if given.told == "unknown"]:
            self.moment("settle")
            self.send_return(given)

    def ask_about(self, sale):
        """False when the sale is settled by the answer."""
        answer = self.status(sale.ref)
        if answer["status"] == "done":
            self.decide(answer["result"])
        elif answer["status"] == "not_known":
            if sale.was_heard or sale.payment_reference:
                raise Wrong(f"{sale.ref}: the terminal knows nothing of what it has spoken of")
            if self.random.random() < 0.5:
                sale.told = "not_known"
            else:
                self.send_sale(sale)
        else:
            self.stage[sale.ref] = answer["stage"]
        return not sale.is_settled


def readable(line):
    """The message of a line with a right checksum; `None` for anything else."""
    data, star, check = line.rpartition(b"*")
    if not star or check != b"%04X" % crc(data):
        return None
    return json.loads(data)
