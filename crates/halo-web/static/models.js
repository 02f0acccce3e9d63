// The model picker: a list with a filter, by keyboard or pointer.
import { word } from "./words.js";

const dialog = document.getElementById("models");
const filter = dialog.querySelector("[data-models-filter]");
const free = dialog.querySelector("[data-models-free]");
const groups = [...dialog.querySelectorAll("[data-models-group]")];
let chosen = null;
let onlySeeing = false;

const order = new Map();
for (const group of groups) order.set(group, [...group.querySelectorAll("li")]);

function listed(group) {
  return order.get(group).map((item) => item.querySelector("[data-action=choose-model]"));
}

/** Every choice that can be pressed now, in the order of the page. */
function shown() {
  return [...dialog.querySelectorAll("[data-action=choose-model]")].filter((choice) => !choice.closest("[hidden]"));
}

/** Models that take pictures come before those of which nothing is known. */
function sort(group) {
  const items = order.get(group);
  const unknown = (item) => onlySeeing && item.querySelector("[data-sees=unknown]") !== null;
  const sorted = [...items.filter((item) => !unknown(item)), ...items.filter(unknown)];
  group.querySelector("ul").append(...sorted);
}

/** Offers a name that a provider's list does not hold: lists are never complete. */
function offerFree(name) {
  const own = groups.filter((group) => !("practiceProvider" in group.dataset));
  const entries = own
    .map((group) => ({ target: `${group.dataset.provider}/${name}`, group }))
    .filter(({ target, group }) => !listed(group).some((choice) => choice.dataset.target === target));
  free.hidden = name === "" || entries.length === 0;
  free.replaceChildren(...entries.map(({ target, group }) => {
    const provider = group.dataset.providerName;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "model-choice";
    button.dataset.action = "choose-model";
    button.dataset.target = target;
    button.dataset.label = "ambiguous" in dialog.dataset ? `${name} · ${provider}` : name;
    button.dataset.free = "";
    button.textContent = word("script-use-model", { name, provider });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  for (const group of groups) {
    let some = false;
    for (const choice of listed(group)) {
      const text = choice.dataset.target.toLowerCase();
      const fits = words.every((word) => text.includes(word)) && (!onlySeeing || choice.dataset.sees !== "no");
      choice.closest("li").hidden = !fits;
      some ||= fits;
    }
    group.hidden = !some;
    any ||= some;
  }
  dialog.querySelector("[data-models-none]").hidden = any;
  offerFree(filter.value.trim());
}

/** Whether a model's provider is still there. */
export function isOffered(target) {
  return groups.some((group) => target.startsWith(`${group.dataset.provider}/`));
}

/** Lets a person choose a model; `then` gets it as `provider/model`, and its name to show. */
export function pick(then, { seeing = false } = {}) {
  chosen = then;
  onlySeeing = seeing;
  dialog.classList.toggle("only-seeing", seeing);
  dialog.querySelector("[data-models-seeing]").hidden = !seeing;
  filter.value = "";
  groups.forEach(sort);
  show();
  dialog.showModal();
  filter.focus();
  dialog.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
}

function take({ target, label }) {
  dialog.close();
  chosen?.(target, label);
  chosen = null;
}

filter.addEventListener("input", show);
dialog.addEventListener("click", (event) => {
  // The backdrop counts as the dialog itself.
  if (event.target === dialog) dialog.close();
  const button = event.target.closest("[data-action]");
  if (button?.dataset.action === "choose-model") take(button.dataset);
  if (button?.dataset.action === "close-models") dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const choices = shown();
  const at = choices.indexOf(document.activeElement);
  if (event.key === "ArrowDown") (choices[at + 1] ?? choices[0])?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? choices[at - 1] : filter).focus();
  else if (event.key === "Enter" && event.target === filter && !event.isComposing) {
    if (choices[0]) take(choices[0].dataset);
  } else return;
  event.preventDefault();
});
