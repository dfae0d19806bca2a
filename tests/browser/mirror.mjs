// Watches the terminal's display in a real browser while a till takes a payment, and keeps what it
// saw as pictures.
//
// node mirror.mjs [--program FILE] [--pictures DIR]
//
// The shop is `klarna-terminald demo --till zvt --listen`, the till is `klarna-terminald till`; the
// browser is Chromium (CHROMIUM, or /usr/bin/chromium). Exit code 0: everything was seen.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { check, freePort, launch } from "./browser.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { values: asked } = parseArgs({
  options: {
    program: { type: "string", default: join(root, "target/release/klarna-terminald") },
    pictures: { type: "string", default: join(root, "target/browser") },
  },
});
const PATIENCE_MS = 60_000;

// Started before anything can fail, so that all of it is always stopped.
const running = [];
function run(...args) {
  const child = spawn(asked.program, args, { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", () => {});
  running.push(child);
  return child;
}

let browser;
try {
  mkdirSync(asked.pictures, { recursive: true });
  const [till, mirror] = [await freePort(), await freePort()];
  const shop = run(
    "demo", "--till", "zvt", "--listen", `127.0.0.1:${till}`, "--mirror", `127.0.0.1:${mirror}`,
  );
  shop.on("exit", (code) => code && console.error(`the shop has ended with ${code}`));

  browser = await launch();
  const page = await browser.newPage({ viewport: { width: 900, height: 1100 } });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const elsewhere = [];
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== "data:" && hostname !== "127.0.0.1") elsewhere.push(request.url());
  });

  const address = `http://127.0.0.1:${mirror}/display`;
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await page.goto(address);
      break;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
  // A page that was asked for too early has complained of it.
  complaints.length = 0;
  const sees = async (words, name) => {
    await page.waitForFunction(
      (words) => document.getElementById("words").textContent.includes(words),
      words,
      { timeout: PATIENCE_MS },
    );
    // What is read is on the canvas as well once its parts are drawn.
    await page.evaluate(() => drawn);
    await page.screenshot({ path: join(asked.pictures, `${name}.png`) });
    console.log(`ok: ${words}`);
  };
  const dark = () =>
    page.evaluate(() => {
      const { width, height } = canvas;
      const pixels = context.getImageData(0, 0, width, height).data;
      let count = 0;
      for (let at = 0; at < pixels.length; at += 4) {
        count += pixels[at] + pixels[at + 1] + pixels[at + 2] === 0;
      }
      return count;
    });

  await sees("No till connected", "mirror-no-till");
  const sale = run("till", "--connect", `127.0.0.1:${till}`, "--yes", "pay", "49.90");
  const ended = new Promise((told) => sale.on("exit", told));
  await sees("Scan to pay with Klarna. €49.90", "mirror-scan");
  check((await dark()) > 10_000, "a code is on the canvas");
  await sees("Payment approved. €49.90", "mirror-approved");
  check((await dark()) === 0, "the code is gone");
  check((await ended) === 0, "the till has heard that it was paid");

  await page.setViewportSize({ width: 390, height: 800 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  check(wide <= 390, "the page fits on a phone");
  await page.screenshot({ path: join(asked.pictures, "mirror-phone.png") });
  const state = await page.textContent("#state");
  check(state === "Live", "the page says that it is live");
  shop.kill("SIGINT");
  await page.waitForFunction(() => document.getElementById("state").className === "waiting");
  console.log("ok: the page says that the terminal has gone");
  const real = complaints.filter((text) => !/ERR_|Failed to load resource/.test(text));
  check(real.length === 0, `the browser has complained of nothing ${real.join("; ")}`);
  check(elsewhere.length === 0, `nothing was asked for elsewhere ${elsewhere.join(" ")}`);
} finally {
  await browser?.close();
  for (const child of running) child.kill("SIGKILL");
}
