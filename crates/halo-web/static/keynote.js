// A provider's key in the input: told of, never kept as a draft, sent only to its own form.
const form = document.querySelector("[data-key-note]");
const key = new RegExp(`(?<![\\w.-])(?:${form.dataset.begins})[\\w.-]*\\w`, "g");

/** The first key among other words, or null. */
export function keyIn(text) {
  return text.match(key)?.find((word) => word.length >= 20 && /\d/.test(word)) ?? null;
}

/** The text without its keys. */
export function without(text) {
  const found = keyIn(text);
  return found ? without(text.replaceAll(found, "")) : text;
}

/** Says that there is a key, while there is one. */
export function noteKey(text) {
  const found = keyIn(text);
  form.elements.key.value = found ?? "";
  form.hidden = !found;
}

/** Sets the provider of the key up; `before` runs first. */
export function onSetUp(before) { form.addEventListener("submit", before); }
export function setUp() { form.requestSubmit(); }
