"use strict";

const canvas = document.getElementById("screen");
const words = document.getElementById("words");
const state = document.getElementById("state");
const context = canvas.getContext("2d");

// Parts are drawn in the order in which they come, however long each takes to be decoded.
let drawn = Promise.resolve();

function part({ x, y, png }) {
  if (!png) return Promise.resolve();
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  return image.decode().then(() => context.drawImage(image, x, y), () => {});
}

function draw(event) {
  const frame = JSON.parse(event.data);
  drawn = drawn.then(async () => {
    if (canvas.width !== frame.width || canvas.height !== frame.height) {
      canvas.width = frame.width;
      canvas.height = frame.height;
    }
    for (const each of frame.parts) await part(each);
    if (words.textContent !== frame.text) {
      words.textContent = frame.text;
      words.lang = frame.lang;
    }
  });
}

function tell(live) {
  state.className = live ? "live" : "waiting";
  state.textContent = live ? "Live" : "The terminal does not answer; trying again";
}

const events = new EventSource("/display/events");
events.addEventListener("screen", draw);
events.addEventListener("open", () => tell(true));
events.addEventListener("error", () => {
  tell(false);
  // A code that nobody can answer for any more must not be scanned.
  drawn = drawn.then(() => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    words.textContent = "";
  });
});
