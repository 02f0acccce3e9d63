// The model picker: a list with a filter, by keyboard or pointer.
const dialog = document.getElementById("models");
const filter = dialog.querySelector("[data-models-filter]");
let chosen = null;
let onlySeeing = false;

function choices() {
  return [...dialog.querySelectorAll("[data-action=choose-model]")];
}

function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  for (const choice of choices()) {
    const text = choice.dataset.target.toLowerCase();
    const fits = words.every((word) => text.includes(word)) && (!onlySeeing || choice.dataset.sees !== "no");
    choice.closest("li").hidden = !fits;
    any ||= fits;
  }
  for (const group of dialog.querySelectorAll("[data-models-group]")) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
  dialog.querySelector("[data-models-none]").hidden = any;
}

/** Lets a person choose a model; `then` gets it as `provider/model`. */
export function pick(then, { seeing = false } = {}) {
  chosen = then;
  onlySeeing = seeing;
  dialog.querySelector("[data-models-seeing]").hidden = !seeing;
  filter.value = "";
  show();
  dialog.showModal();
  filter.focus();
  dialog.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
}

function take(target) {
  dialog.close();
  chosen?.(target);
  chosen = null;
}

filter.addEventListener("input", show);
dialog.addEventListener("click", (event) => {
  // The backdrop counts as the dialog itself.
  if (event.target === dialog) dialog.close();
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action === "choose-model") take(event.target.closest("[data-action]").dataset.target);
  if (action === "close-models") dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const shown = choices().filter((choice) => !choice.closest("[hidden]"));
  const at = shown.indexOf(document.activeElement);
  if (event.key === "ArrowDown") (shown[at + 1] ?? shown[0])?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? shown[at - 1] : filter).focus();
  else if (event.key === "Enter" && event.target === filter && !event.isComposing) {
    const free = filter.value.trim();
    if (shown[0]) take(shown[0].dataset.target);
    else if (free.includes("/")) take(free);
  } else return;
  event.preventDefault();
});
