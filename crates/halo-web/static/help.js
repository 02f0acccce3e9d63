// Makes the error reference quicker to use: a filter, and an explanation without reloading.
import { Refusal } from "./http.js";
import { teaches } from "./teach.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const help = document.querySelector("[data-help]");

/* Explaining */

const form = help.querySelector("[data-explain]");
const answer = document.getElementById("answer");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (answer.getAttribute("aria-busy") === "true") return;
  answer.setAttribute("aria-busy", "true");
  try {
    let response;
    try {
      response = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { accept: "text/html", "x-halo-fragment": "1" },
      });
    } catch {
      throw new Refusal(word("script-offline"), 0);
    }
    if (response.status === 401) { location.reload(); return; }
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    answer.replaceChildren(template.content);
    const card = answer.querySelector("[data-card]");
    card?.focus({ preventScroll: true });
    (card ?? answer).scrollIntoView({ block: "nearest" });
  } catch (error) {
    toast(word("script-failed", { what: error.message }));
  } finally {
    answer.removeAttribute("aria-busy");
  }
});

teaches((content) => answer.replaceChildren(content));

// Enter breaks the line; with Ctrl or ⌘ it explains.
form.elements.error.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

/* Finding */

const box = help.querySelector("[data-filter-box]");
const none = help.querySelector("[data-filter-none]");
const items = [...help.querySelectorAll("[data-filter-item]")].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
}));

function filter() {
  const words = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { element, text } of items) {
    const fits = words.every((word) => text.includes(word));
    element.hidden = !fits;
    if (fits) shown += 1;
  }
  help.classList.toggle("filtering", words.length > 0);
  for (const group of help.querySelectorAll("[data-filter-group]")) {
    group.hidden = words.length > 0 && !group.querySelector("[data-filter-item]:not([hidden])");
  }
  // What a word leads to inside a folded part is unfolded; what was opened by hand stays open.
  for (const details of help.querySelectorAll("[data-examples], [data-confused], [data-codes]")) {
    const text = details.textContent.toLowerCase();
    const wanted = words.length > 0 && words.some((word) => word.length > 2 && text.includes(word));
    if (wanted && !details.open) { details.open = true; details.dataset.opened = ""; }
    if (!wanted && "opened" in details.dataset) { details.open = false; delete details.dataset.opened; }
  }
  none.textContent = shown === 0 ? none.dataset.none : "";
}

let soon;
box.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(filter, 80); });
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && box.value) { box.value = ""; filter(); event.preventDefault(); }
});

// A link on the page leads to a part that the filter may hide.
help.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || !box.value) return;
  const target = document.getElementById(link.getAttribute("href").slice(1));
  if (target?.hidden || target?.closest("[hidden]")) { box.value = ""; filter(); }
});

// The address leads to its part also where the browser looked before the page was whole.
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
