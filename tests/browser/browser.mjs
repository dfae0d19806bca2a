// What every script here needs: a free port, a check that says what was seen, and Chromium.

import { createServer } from "node:net";
import { chromium } from "playwright-core";

export function freePort() {
  return new Promise((found, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

export function check(right, what) {
  if (!right) throw new Error(what);
  console.log(`ok: ${what}`);
}

// Debian's Chromium, or the one that CHROMIUM names, without a word to anybody elsewhere.
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}
