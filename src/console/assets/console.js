// Keeps open pages true and small conveniences working; every page is complete without it.
"use strict";

const body = document.body;

// A form is sent once: a second click must not look like a second wish. The server takes a
// repeated form for the same command in any case.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
});

// A page out of the browser's memory is old, and may be of somebody who has signed out.
addEventListener("pageshow", (event) => event.persisted && location.reload());

// What changes by itself is taken from the page as it would be now.
async function refresh() {
  const answer = await fetch(location.href, { headers: { "x-live": "1" }, redirect: "manual" });
  if (answer.type === "opaqueredirect") return location.reload();
  if (!answer.ok) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = now.getElementById(part.id);
    if (!next || next.innerHTML === part.innerHTML || part.contains(document.activeElement)) continue;
    part.replaceChildren(...next.childNodes);
    part.classList.remove("changed");
    void part.offsetWidth;
    part.classList.add("changed");
  }
}

const source = body.dataset.liveFrom;
if (source) {
  let running = false;
  let again = false;
  const changed = async () => {
    if (running) return (again = true);
    running = true;
    do {
      again = false;
      await refresh().catch(() => {});
    } while (again);
    running = false;
  };
  const events = new EventSource(source);
  events.addEventListener("changed", changed);
  // After a gap something may have been missed.
  events.addEventListener("open", changed);
  // It is closed for good once nobody is signed in here any more.
  events.addEventListener("error", () => events.readyState === EventSource.CLOSED && location.reload());
}

// The sum of the chosen line items.
for (const items of document.querySelectorAll("[data-items]")) {
  const digits = Number(items.dataset.items);
  const amount = document.getElementById("amount");
  items.addEventListener("change", () => {
    let minor = 0;
    for (const box of items.querySelectorAll("input:checked")) minor += Number(box.dataset.minor);
    const sign = minor < 0 ? "-" : "";
    const text = String(Math.abs(minor)).padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits);
    amount.value = digits ? `${sign}${whole}.${text.slice(-digits)}` : `${sign}${whole}`;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
