// Works through the store manager's console in a real browser: first user, a sale at the till, a
// return that waits through an outage, the closing of the shift; by mouse, by keyboard alone, on a
// phone. Every page is held to HTML's rules (html-validate) and to accessibility rules (axe-core).
//
// node console.mjs [--program FILE] [--pictures DIR]
//
// The shop is `klarna-terminald demo --till zvt --listen`, the till is `klarna-terminald till`; the
// browser is Chromium (CHROMIUM, or /usr/bin/chromium). Exit code 0: everything was seen.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { HtmlValidate } from "html-validate";
import { check, freePort, launch } from "./browser.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { values: asked } = parseArgs({
  options: {
    program: { type: "string", default: join(root, "target/release/klarna-terminald") },
    pictures: { type: "string", default: join(root, "target/browser") },
  },
});
const PATIENCE_MS = 30_000;
const PIN = "483920";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const validator = new HtmlValidate({
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: {
    // How a file is written is not what it says.
    "no-trailing-whitespace": "off",
    "doctype-style": "off",
    "void-style": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "no-implicit-button-type": "off",
    "long-title": "off",
    "no-inline-style": "error",
  },
});

const running = [];
let said = "";
function run(...args) {
  const child = spawn(asked.program, args, { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", (text) => (said += text));
  running.push(child);
  return child;
}

async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((again) => setTimeout(again, 100));
  }
}

const directory = mkdtempSync(join(tmpdir(), "console-"));
let browser;
try {
  mkdirSync(asked.pictures, { recursive: true });
  const [till, mirror, port] = [await freePort(), await freePort(), await freePort()];
  const shop = run(
    "demo", "--till", "zvt", "--listen", `127.0.0.1:${till}`, "--mirror", `127.0.0.1:${mirror}`,
    "--console", `127.0.0.1:${port}`, "--dir", directory,
  );
  shop.on("exit", (code) => code && console.error(`the shop has ended with ${code}`));
  const database = join(directory, "terminal.sqlite");
  const control = await until("Klarna is played", () => said.match(/played at (http\S+)/)?.[1]);
  const code = await until("the set-up code", () => {
    const asked_for = ["users", "code", "--database", database];
    const told = spawnSync(asked.program, asked_for, { encoding: "utf8" });
    return told.status === 0 && told.stdout.match(/[0-9A-HJKMNP-TV-Z]{10}/)?.[0];
  });
  const base = `https://127.0.0.1:${port}`;
  const sell = (amount) => {
    const sale = run("till", "--connect", `127.0.0.1:${till}`, "--yes", "pay", amount);
    return new Promise((told) => sale.on("exit", told));
  };
  const offline = (is) =>
    fetch(`${control}/offline`, { method: "POST", body: JSON.stringify({ offline: is }) });

  browser = await launch();
  const complaints = [];
  const elsewhere = [];
  const settings = { ignoreHTTPSErrors: true, locale: "en-GB", viewport: { width: 1180, height: 820 } };
  const open = async (more = {}) => {
    const context = await browser.newContext({ ...settings, ...more });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(base)) elsewhere.push(request.url());
    });
    return page;
  };
  let judged = 0;
  // HTML as it was sent, then accessibility as it is shown, in both color schemes.
  const judge = async (page, name) => {
    const report = await validator.validateString(await page.content(), name);
    const wrong = report.results.flatMap((result) => result.messages);
    if (wrong.length) {
      const lines = wrong.map((it) => `${it.ruleId} ${it.line}:${it.column} ${it.message}`);
      throw new Error(`${name}: ${lines.join("\n")}`);
    }
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document));
      const found = violations.map((it) => `${it.impact} ${it.id}: ${it.nodes[0].html} ${it.nodes[0].failureSummary}`);
      if (found.length) throw new Error(`${name} (${colorScheme}): ${found.join("\n")}`);
    }
    await page.emulateMedia({ colorScheme: "light" });
    judged += 1;
  };
  const picture = (page, name) =>
    page.screenshot({ path: join(asked.pictures, `console-${name}.png`) });

  const page = await open();
  await until("the console is open", () => page.goto(base).then(() => true, () => false));
  complaints.length = 0;
  await judge(page, "set-up");
  await picture(page, "set-up");
  await page.getByLabel("Code on the terminal").fill(code);
  await page.getByLabel("User name").fill("mia");
  await page.getByLabel("PIN", { exact: true }).fill(PIN);
  await page.getByLabel("The same PIN again").fill(PIN);
  await page.getByRole("button", { name: "Set up the console" }).click();
  await page.getByText("No payments yet.").waitFor();
  console.log("ok: the first user is signed in");
  await judge(page, "nothing yet");

  // The page shows the sale by itself.
  const sold = sell("49.90");
  await page.getByText("Waits for the shopper").waitFor();
  await page.getByRole("row", { name: /49\.90/ }).getByText("Paid", { exact: true }).waitFor();
  check((await sold) === 0, "the till has heard that it was paid");
  await sell("12.00");
  await judge(page, "today");
  await picture(page, "today");

  // Two taps: the receipt's number, then the payment is there.
  await page.getByLabel("Find a sale").fill("1");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Payment 000001" }).waitFor();
  await judge(page, "payment");
  await picture(page, "payment");
  await page.getByRole("link", { name: "Receipt" }).click();
  await judge(page, "receipt");
  await picture(page, "receipt");
  await page.goBack();

  await offline(true);
  await page.getByRole("link", { name: "Return" }).click();
  await judge(page, "return");
  await picture(page, "return");
  await page.getByLabel("Amount to give back").fill("20.00");
  await page.getByLabel("Reason").selectOption("damaged");
  await page.getByLabel("Note").fill("A scratch on the lid");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Give €20.00 back?").waitFor();
  await judge(page, "return review");
  await picture(page, "return-review");
  await page.getByLabel("Your PIN").fill(PIN);
  await page.getByRole("button", { name: "Give €20.00 back now" }).dblclick();
  await page.getByText("Return of €20.00 was queued.").waitFor();
  await page.getByText("waits for Klarna").first().waitFor();
  await picture(page, "return-queued");
  await page.getByRole("link", { name: "Queue" }).click();
  await page.getByRole("row", { name: /Return/ }).waitFor();
  await page.getByText("Klarna cannot be reached at present").first().waitFor();
  await judge(page, "queue");
  await picture(page, "queue");
  await page.goto(`${base}/payments/1`);
  await offline(false);
  await page.getByText("Klarna gave back €20.00.").waitFor();
  console.log("ok: the return went through when the line was back, and the page said so by itself");
  await picture(page, "return-done");
  const ledger = await (await fetch(`${control}/ledger`)).json();
  const back = ledger.flatMap((it) => it.refunds ?? []).map((it) => it.amount ?? it);
  check(JSON.stringify(back).includes("2000") && back.length === 1, "Klarna's ledger has one return");

  await page.getByRole("link", { name: "Shift" }).click();
  await page.getByText("Shift 1, open").waitFor();
  await judge(page, "shift");
  await picture(page, "shift");
  await page.getByRole("link", { name: "Close the shift" }).click();
  await judge(page, "shift review");
  await page.getByLabel("Your PIN").fill(PIN);
  await page.getByRole("button", { name: "Close shift 1 now" }).click();
  await page.getByRole("heading", { name: "Shift 1, closed" }).waitFor();
  await page.getByText("€41.90").first().waitFor();
  await judge(page, "closed shift");
  await picture(page, "closed-shift");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const csv = readFileSync(await (await download).path(), "utf8");
  check(csv.includes("total net,41.90,EUR"), "the CSV has the same total");
  await page.emulateMedia({ media: "print" });
  await picture(page, "report-printed");
  await page.pdf({ path: join(asked.pictures, "console-report.pdf") });
  await page.emulateMedia({ media: "screen" });

  for (const name of ["Health", "Users", "Audit journal", "Settings"]) {
    await page.getByRole("link", { name, exact: true }).first().click();
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    await judge(page, name);
    await picture(page, name.split(" ")[0].toLowerCase());
  }
  await page.goto(`${base}/sessions`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await judge(page, "sessions");
  await picture(page, "sessions");
  await page.goto(`${base}/nothing-here`);
  await judge(page, "not found");

  // Without a mouse: find a sale and look at its receipt, from the sign-in on.
  const keys = await open({ locale: "de-DE" });
  await keys.goto(base);
  await judge(keys, "sign-in");
  await picture(keys, "sign-in-de");
  await keys.keyboard.type("mia");
  await keys.keyboard.press("Tab");
  await keys.keyboard.type(PIN);
  await keys.keyboard.press("Enter");
  await keys.getByRole("heading", { name: "Heute" }).waitFor();
  await keys.keyboard.press("Tab");
  const skip = await keys.evaluate(() => document.activeElement.getAttribute("href"));
  check(skip === "#main", "the first stop skips to the content");
  const stops = [];
  const reach = async (what, matches) => {
    for (let tries = 0; tries < 40; tries += 1) {
      const at = await keys.evaluate(() => {
        const { tagName, id, textContent } = document.activeElement;
        return `${tagName} ${id} ${textContent.trim().slice(0, 40)}`;
      });
      stops.push(at);
      if (matches(at)) return;
      await keys.keyboard.press("Tab");
    }
    throw new Error(`${what} cannot be reached by keyboard: ${stops.join(" | ")}`);
  };
  await reach("the search", (at) => at.startsWith("INPUT q"));
  await keys.keyboard.type("12,00");
  await keys.keyboard.press("Enter");
  await keys.getByRole("heading", { name: "Zahlung 000002" }).waitFor();
  await reach("the return", (at) => at.startsWith("A") && at.includes("Rückgabe"));
  await keys.keyboard.press("Enter");
  await keys.locator("#amount").waitFor();
  await reach("the amount", (at) => at.startsWith("INPUT amount"));
  await keys.keyboard.type("2,00");
  await keys.keyboard.press("Enter");
  await keys.locator("#pin").waitFor();
  await reach("the PIN", (at) => at.startsWith("INPUT pin"));
  await keys.keyboard.type(PIN);
  await keys.keyboard.press("Enter");
  await keys.getByText("2,00").first().waitFor();
  await keys.waitForURL(`${base}/payments/2`);
  await judge(keys, "payment in German");
  await picture(keys, "payment-de");
  console.log("ok: a return by keyboard alone, in German");

  const phone = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: "sv-SE" });
  await phone.goto(base);
  await phone.locator("#name").fill("mia");
  await phone.locator("#pin").fill(PIN);
  await phone.locator("main button.primary").tap();
  await phone.locator("table.list").waitFor();
  for (const [path, name] of [["/", "today"], ["/payments/1", "payment"], ["/shift", "shift"], ["/shifts/1", "closed-shift"], ["/queue", "queue"], ["/health", "health"], ["/users", "users"], ["/audit", "audit"], ["/sessions", "sessions"]]) {
    await phone.goto(`${base}${path}`);
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= 390, `${path} fits on a phone (${wide} px)`);
    await judge(phone, `phone ${path}`);
    await picture(phone, `phone-${name}`);
  }

  // Without a script every page is complete.
  const plain = await open({ javaScriptEnabled: false, locale: "fr-FR" });
  await plain.goto(base);
  await plain.locator("#name").fill("mia");
  await plain.locator("#pin").fill(PIN);
  await plain.locator("main button.primary").click();
  await plain.locator("table.list").waitFor();
  await picture(plain, "today-fr-without-script");
  console.log("ok: signed in without a script, in French");

  const real = complaints.filter((text) => !/ERR_|Failed to load resource/.test(text));
  check(real.length === 0, `the browser has complained of nothing ${real.join("; ")}`);
  check(elsewhere.length === 0, `nothing was asked for elsewhere ${elsewhere.join(" ")}`);
  console.log(`ok: ${judged} pages were valid and accessible, light and dark`);
} finally {
  await browser?.close();
  for (const child of running) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}
