// The page of what runs and waits: kept as it is now, its forms made quicker.
import { tick } from "./countdown.js";
import { on } from "./events.js";
import { fragment, post } from "./http.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

let run = null;
let again = false;

/** What a person unfolded or chose stays so. */
function carry(from, to) {
  for (const entry of from.querySelectorAll("[data-outbox-entry]")) {
    const now = to.querySelector(`[data-outbox-entry="${CSS.escape(entry.dataset.outboxEntry)}"]`);
    if (!now) continue;
    for (const old of entry.querySelectorAll("details[data-key]")) {
      const details = now.querySelector(`[data-key="${CSS.escape(old.dataset.key)}"]`);
      if (details) details.open = old.open;
    }
    const chosen = entry.querySelector("select");
    const select = now.querySelector("select");
    if (chosen && select) select.value = chosen.value;
  }
}

function refresh() {
  if (run) { again = true; return run; }
  run = fragment("/outbox/entries").then((content) => {
    const old = document.getElementById("outbox");
    const now = content.getElementById("outbox");
    // A list of models that is open is left alone; what happens next comes by itself.
    if (document.activeElement?.matches("#outbox select")) return;
    carry(old, now);
    const focused = document.activeElement?.closest("[data-outbox-entry]")?.dataset.outboxEntry;
    old.replaceWith(now);
    if (focused) now.querySelector(`[data-outbox-entry="${CSS.escape(focused)}"] a`)?.focus();
    tick();
  }).catch(() => {}).finally(() => {
    run = null;
    if (again) { again = false; refresh(); }
  });
  return run;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-outbox-form]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  document.activeElement?.blur();
  try {
    await post(form.getAttribute("action"), new URLSearchParams(new FormData(form)));
  } catch (error) {
    toast(word("script-failed", { what: error.message }));
    button.disabled = false;
  }
  refresh();
});

for (const name of ["list", "changed", "resync", "open"]) on(name, refresh);
addEventListener("halo-zone", refresh);
tick();
