"""When the power goes: a plan from a seed, and the run that follows it. What the books must say
then is not known here."""

import threading
import time
from dataclasses import dataclass

from till import PowerCut, Wrong

# Moments of a sale around which money could be lost or doubled, with how often they are tried in
# one round of the plan. "start" counts from the switching on, "time" from the first answer, and
# "looking" is when calls whose answer a cut has swallowed are looked for at Klarna.
MOMENTS = (
    *("ack",) * 4,
    *("paid",) * 2,
    *("confirming",) * 2,
    *("approved",) * 2,
    *("refund",) * 2,
    *("settle",) * 2,
    *("start",) * 2,
    *("time",) * 2,
    "looking",
    "acknowledged",
    "sale",
    "awaiting_shopper",
    "void",
    "abort",
)
# What a sale must be like for the moment to come.
KIND_OF = {"void": "void", "abort": "abort"}
KINDS = ("pay",) * 12 + ("abort", "abort", "abort_late", "decline", "void", "forget")
# From the switching on until the terminal is surely up, on a quick host.
START_S = 10.0
TIME_S = 12.0
# The daemon waits two minutes before it looks for the effect of an earlier call (payment::retry).
LOOKING_S = (119.5, 121.5)
# A moment that has not come after so long is overtaken by the cut.
PATIENCE_S = 45
REFUND_CHANCE = 0.35


@dataclass
class Cut:
    """The power goes `delay` seconds after the `count`th time of `moment`."""

    moment: str
    count: int
    delay: float

    def __str__(self):
        answer = "the first answer"
        after = {"start": "switching on", "time": answer, "looking": answer}
        times = "" if self.count == 1 else f" (time {self.count})"
        return f"{self.delay:6.3f} s after {after.get(self.moment, self.moment)}{times}"


def plan(count, random):
    """So many cuts; each round of moments in an order of its own."""
    moments = []
    while len(moments) < count:
        moments += random.sample(MOMENTS, len(MOMENTS))
    return [cut(moment, random) for moment in moments[:count]]


def cut(moment, random):
    if moment == "start":
        return Cut(moment, 1, random.uniform(1.0, START_S))
    if moment == "time":
        return Cut(moment, 1, random.uniform(0.0, TIME_S))
    if moment == "looking":
        return Cut(moment, 1, random.uniform(*LOOKING_S))
    # At once, within a write to the disk, within a call to Klarna, some time later.
    longest = random.choice((0.0, 0.02, 0.1, 0.5, 2.0))
    count = 1 if moment == "settle" else random.choice((1, 1, 2, 3))
    return Cut(moment, count, random.uniform(0.0, longest))


class Switch:
    """Cuts the power once per boot, from a thread of its own: whatever is going on then."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.cut = self.timer = self.guard = None
        self.seen = 0
        self.lock = threading.Lock()

    def arm(self, cut):
        self.cut, self.seen, self.timer = cut, 0, None

    def moment(self, name):
        """Starts the clock when it is the moment that the plan names."""
        with self.lock:
            if self.cut is None or name != self.cut.moment or self.timer is not None:
                return
            self.seen += 1
            if self.seen == self.cut.count:
                self.timer = self._after(self.cut.delay)

    def be_patient(self):
        """A moment that has not come yet is not waited for longer than `PATIENCE_S`."""
        if self.timer is None:
            self.guard = self._after(PATIENCE_S)

    def _after(self, delay):
        timer = threading.Timer(delay, self.emulator.power_cut)
        timer.daemon = True
        timer.start()
        return timer

    def disarm(self):
        """True when the plan's own moment has come."""
        came = self.timer is not None
        for timer in (self.timer, self.guard):
            if timer is not None:
                timer.cancel()
        self.cut = self.timer = self.guard = None
        return came


class Run:
    """Boot, sell, cut; again and again with the same books."""

    def __init__(self, emulator, till, switch, random):
        self.emulator, self.till, self.switch, self.random = emulator, till, switch, random
        self.ready_s, self.cuts = [], []
        self.amount = 1000

    def boot(self):
        """Until the terminal answers the till."""
        self.emulator.start()
        self.switch.moment("start")
        self.till.connect(self.emulator.serial)
        self.ready_s.append(time.monotonic() - self.emulator.started)
        self.switch.moment("time")
        self.switch.moment("looking")

    def until_cut(self, cut):
        """One life of the machine."""
        self.switch.arm(cut)
        try:
            self.boot()
            self.switch.be_patient()
            self.till.settle()
            while True:
                self.deal(cut)
        except PowerCut:
            pass
        alive = self.emulator.is_running() and not self._dies()
        came, by_itself = self.switch.disarm(), not self.emulator.was_cut
        self.power_off()
        if alive:
            raise Wrong("the line has ended, but the machine has not")
        if by_itself:
            raise Wrong(f"the machine has ended by itself; see {self.emulator.console()}")
        self.cuts.append((cut, came))
        return came

    def _dies(self):
        """The line ends a moment before the process does."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if not self.emulator.is_running():
                return True
            time.sleep(0.01)
        return False

    def power_off(self):
        self.till.hang_up()
        self.emulator.power_cut()
        self.emulator.after_cut()

    def deal(self, cut):
        """The next sale, and sometimes a refund."""
        self.amount += self.random.randrange(1, 50)
        wanted = cut.moment if cut else None
        kind = KIND_OF.get(wanted) or self.random.choice(KINDS)
        if wanted != "refund" or not self.refundable():
            self.till.sell(self.amount, kind)
        if wanted == "refund" or self.random.random() < REFUND_CHANCE:
            self.refund()

    def refundable(self):
        return [s for s in self.till.sales if s.told == "acknowledged" and self.left(s) > 0]

    def left(self, sale):
        return sale.amount - sum(r.amount for r in sale.returned)

    def refund(self):
        """A part or all of a sale that is captured."""
        sales = self.refundable()
        if not sales:
            return
        sale = self.random.choice(sales)
        status = self.till.status(sale.ref)
        if status["status"] != "done":
            raise Wrong(f"{sale.ref} was acknowledged and is now {status['status']}")
        if status["money"]["captured"] == sale.amount:
            left = self.left(sale)
            amount = left if self.random.random() < 0.4 else self.random.randrange(1, left + 1)
            self.till.give_back(sale, amount)
