"""What can be seen of the machine from outside: its panel, what still waits, the journal on its
disk, and whether till, journal and Klarna agree. It changes nothing but for one sale of its own."""

import json
import os
import shutil
import subprocess
import time

import books
from lab import FOLDER, say
from till import Wrong

DATABASE = "terminal.sqlite"
# Calls whose answer a cut has swallowed are looked for two minutes after the start, then sent.
DRAIN_WAIT_S = 300
SCREEN_WAIT_S = 30
DECODE_WAIT_S = 60
LIST_MAX = 1000


def photograph(lab, path):
    """A sale whose code is on show: the picture, and what an independent decoder reads in it. The
    sale is aborted then."""
    seen = {}

    def look(name):
        if name != "awaiting_shopper" or seen:
            return
        seen["url"] = lab.klarna.request_of(lab.till.sales[-1].ref)["url"]
        until = time.monotonic() + SCREEN_WAIT_S
        while time.monotonic() < until and seen.get("read") != seen["url"]:
            lab.emulator.screenshot(path)
            seen["read"] = decoded(path)
            time.sleep(0.2)

    before, lab.till.moment = lab.till.moment, look
    lab.till.sell(4711, "abort")
    lab.till.moment = before
    if not seen or seen["read"] != seen["url"]:
        return [f"the panel's code is not Klarna's URL: {seen}"]
    say(f"{path}: the code says {seen['read']}, which is Klarna's URL")
    return []


def decoded(path):
    """The text of the QR code in a picture, "" for none."""
    command = ["zbarimg", "--quiet", "--raw", path]
    read = subprocess.run(command, capture_output=True, timeout=DECODE_WAIT_S, check=False)
    return read.stdout.decode(errors="replace").strip()


def drained(lab):
    """Asks the till's questions until nothing waits any more; what still waits then."""
    until = time.monotonic() + DRAIN_WAIT_S
    waiting = {sale.ref for sale in lab.till.sales if sale.told != "not_known"}
    waiting |= {given.ref for given in lab.till.returns}
    while waiting and time.monotonic() < until:
        for ref in sorted(waiting):
            if is_done(lab.till, lab.till.status(ref)):
                waiting.discard(ref)
        time.sleep(0.2)
    return [f"{ref} still waits after {DRAIN_WAIT_S} s" for ref in sorted(waiting)]


def is_done(till, answer):
    if "operation" in answer:
        till.note_return(answer["operation"])
        return answer["operation"]["status"] != "queued"
    if answer["status"] != "done":
        return False
    till.decide(answer["result"])
    return answer["money"]["queued"] == 0


def journal(lab):
    """What the database on the disk says, after the file system has replayed its own journal."""
    copy, folder = f"{FOLDER}/disk-end.img", f"{FOLDER}/taken-out"
    shutil.copyfile(lab.drive.path, copy)
    command = ["e2fsck", "-f", "-p", copy]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    if check.returncode > 1:
        raise Wrong(f"the file system is damaged: {check.stdout}{check.stderr}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name in (DATABASE, f"{DATABASE}-wal"):
        command = ["debugfs", "-R", f"dump /{name} {folder}/{name}", copy]
        subprocess.run(command, check=True, capture_output=True)
    command = [lab.program, "payments", "--json", "--count", str(LIST_MAX)]
    command += ["--database", f"{folder}/{DATABASE}"]
    read = subprocess.run(command, capture_output=True, text=True, check=False)
    if read.returncode:
        raise Wrong(read.stderr.strip())
    listed = json.loads(read.stdout)
    if listed.get("warning"):
        raise Wrong(f"the journal says: {listed['warning']}")
    if len(listed["payments"]) == LIST_MAX:
        raise Wrong(f"more than {LIST_MAX} payments: use fewer cuts")
    return listed["payments"]


def compared(lab):
    try:
        rows = journal(lab)
    except (Wrong, subprocess.CalledProcessError) as error:
        return [f"the journal cannot be read: {error}"]
    klarna = lab.klarna
    with open(f"{FOLDER}/books.json", "w", encoding="utf-8") as file:
        books_of_all = {"journal": rows, "ledger": klarna.ledger(), "requests": klarna.requests()}
        json.dump({**books_of_all, "mistakes": klarna.mistakes()}, file, indent=1)
    return books.compare(lab.till, rows, klarna.ledger(), klarna.requests(), klarna.mistakes())
