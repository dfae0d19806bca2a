"""Klarna on the host: the daemon's own simulator, its shopper and its books. It knows nothing of
the machine."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

START_WAIT_S = 20
ANSWER_WAIT_S = 20


class Klarna:
    """The simulator, which outlives all power cuts of the terminal."""

    def __init__(self, program, folder):
        self.tls = os.path.join(folder, "klarna")
        os.makedirs(self.tls, exist_ok=True)
        self.log = os.path.join(folder, "klarna.log")
        command = ["setpriv", "--pdeathsig", "KILL", program, "simulate"]
        command += ["--api", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        command += ["--public-host", "klarna.test", "--tls-dir", self.tls]
        with open(self.log, "wb") as out:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            self.process = subprocess.Popen(command, **streams, start_new_session=True)
        try:
            self.port, self.control = self._addresses()
        except BaseException:
            self.end()
            raise

    def _addresses(self):
        until = time.monotonic() + START_WAIT_S
        while time.monotonic() < until and self.process.poll() is None:
            with open(self.log, encoding="utf-8") as log:
                said = log.read()
            api = re.search(r"played at https://[^:\s]+:(\d+)", said)
            control = re.search(r"pages at (http://\S+)", said)
            if api and control and "Stop with" in said:
                return int(api[1]), control[1]
            time.sleep(0.05)
        raise RuntimeError(f"the simulator does not start; see {self.log}")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def file(self, name):
        with open(os.path.join(self.tls, name), "rb") as file:
            return file.read()

    def _ask(self, path, method="GET"):
        request = urllib.request.Request(self.control + path, method=method)
        with urllib.request.urlopen(request, timeout=ANSWER_WAIT_S) as answer:
            return json.load(answer)

    def requests(self):
        return self._ask("/requests")

    def ledger(self):
        return self._ask("/ledger")

    def mistakes(self):
        return self._ask("/mistakes")

    def request_of(self, reference):
        """The newest payment request with this order number."""
        found = [r for r in self.requests() if r["merchant_reference"] == reference]
        return found[-1] if found else None

    def shopper(self, reference, action):
        """What the shopper of that order does; false when the request has ended before."""
        request = self.request_of(reference)
        if request is None:
            return False
        try:
            self._ask(f"/shopper/{request['uuid']}/{action}", "POST")
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return False
            raise
        return True
