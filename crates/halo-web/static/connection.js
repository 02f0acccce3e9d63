// Says so when Halo has gone, and takes that back when it answers again.
import { on } from "./events.js";
import { word } from "./words.js";

/** A stream that is reopened within this time was never lost for the person. */
const PATIENCE = 2000;
const bar = document.querySelector("[data-offline]");
let timer = null;

function show(gone) {
  document.documentElement.classList.toggle("offline", gone);
  // The region is filled only now, so that it is announced.
  const text = gone ? word("script-offline") : "";
  if (bar.textContent !== text) bar.textContent = text;
}

/** A stream can end for other reasons than that Halo has: the browser may be signed out. */
async function look() {
  timer = null;
  try {
    const response = await fetch("/list", { signal: AbortSignal.timeout(4000) });
    if (response.status === 401) location.reload();
    else show(false);
  } catch {
    show(true);
  }
}

on("error", () => { timer ??= setTimeout(look, PATIENCE); });
on("open", () => {
  clearTimeout(timer);
  timer = null;
  show(false);
});
