// Countdowns that move, and the times they lead to.
import { word } from "./words.js";

function clock(ms) {
  const at = new Date(ms);
  const today = at.toDateString() === new Date().toDateString();
  // As the server writes it: 2026-11-28 18:43. Swedish has that form.
  const text = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" }).format(at);
  return today ? text.slice(-5) : text;
}

/** Brings every countdown of the page up to date. */
export function tick() {
  // Nobody is there who would do what the clock says.
  if (document.documentElement.classList.contains("offline")) return;
  for (const time of document.querySelectorAll("[data-countdown]")) {
    const left = Number(time.dataset.until) - Date.now();
    const automatic = time.closest("[data-automatic]") !== null;
    let text;
    if (automatic && left <= 0) text = word("script-due");
    else if ("counts" in time.dataset) text = word("script-countdown", { n: Math.ceil(left / 1000) });
    else if (automatic) text = word("script-at-automatic", { time: clock(Number(time.dataset.until)) });
    else text = word("script-at", { time: clock(Number(time.dataset.until)) });
    if (time.textContent !== text) time.textContent = text;
  }
  for (const working of document.querySelectorAll("[data-since]")) {
    const seconds = Math.floor((Date.now() - Number(working.dataset.since)) / 1000);
    if (seconds < 4) continue;
    working.dataset.label ??= working.textContent;
    working.textContent = `${working.dataset.label} · ${word("script-seconds", { n: seconds })}`;
  }
}

setInterval(tick, 250);
