// Makes the settings pages quicker to use. Without it every form still works by reloading.

const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
};

/** Posts the form as it stands and returns the fragment the server renders for it. */
async function fragment(form, action, submitter, signal) {
  const response = await fetch(action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form, submitter)),
    headers: { "x-halo-fragment": "1" },
    signal,
  });
  if (!response.headers.get("content-type")?.startsWith("text/html")) {
    throw new Error(`${response.status} ${response.statusText}`);
  }
  return parse(await response.text());
}

/** Buttons with data-fragment="ID" fill that element instead of reloading the page. */
function fillInPlace(form) {
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    const id = button?.dataset.fragment;
    if (!id) return;
    event.preventDefault();
    const target = document.getElementById(id);
    if (!target || target.getAttribute("aria-busy") === "true") return;
    const words = button.textContent;
    button.textContent = button.dataset.busy ?? words;
    target.setAttribute("aria-busy", "true");
    try {
      target.replaceChildren(await fragment(form, button.formAction, button));
    } catch (error) {
      const note = document.createElement("p");
      note.className = "set-note set-bad";
      note.setAttribute("role", "alert");
      note.textContent = String(error.message ?? error);
      target.replaceChildren(note);
    } finally {
      button.textContent = words;
      target.removeAttribute("aria-busy");
    }
    prepareModels(form);
    if (id === "model-list") form.dispatchEvent(new Event("model-chosen"));
    target.scrollIntoView({ block: "nearest" });
  });
}

/** Shows the URL that will be called while the base URL is typed. */
function echoUrl(form) {
  const echo = form.querySelector("[data-url-echo]");
  const url = form.elements.base_url;
  if (!echo || !url) return;
  let running;
  let timer;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      echo.replaceChildren(
        await fragment(form, echo.dataset.urlEcho, undefined, running.signal),
      );
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  };
  // The warning about plain http depends on the key as well.
  form.addEventListener("input", (event) => {
    if (event.target === url || event.target.name === "key") soon();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "preset" || event.target.name === "drop_key") soon();
  });
}

/** Shows and hides what is being typed into a key field. */
function showKeys(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-key-show]");
    if (!button) return;
    const input = document.getElementById(button.getAttribute("aria-controls"));
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    button.setAttribute("aria-pressed", String(show));
    button.textContent = show ? button.dataset.hide : button.dataset.show;
    input.focus();
  });
  for (const button of root.querySelectorAll("[data-key-show]")) button.hidden = false;
}

/** Several keys pasted at once, one per line, go into one field each. */
function spreadKeys(form) {
  form.addEventListener("paste", (event) => {
    const first = event.target;
    if (first.name !== "key") return;
    const text = event.clipboardData?.getData("text") ?? "";
    const keys = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
    if (keys.length < 2) return;
    event.preventDefault();
    let inputs = [...form.querySelectorAll("input[name=key]")];
    const start = inputs.indexOf(first);
    while (inputs.length < start + keys.length && addKey(form)) {
      inputs = [...form.querySelectorAll("input[name=key]")];
    }
    keys.forEach((key, at) => {
      if (inputs[start + at]) inputs[start + at].value = key;
    });
    first.closest("details")?.setAttribute("open", "");
    for (const input of inputs) input.closest("details")?.setAttribute("open", "");
    first.dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("click", (event) => {
    if (event.target.closest("[data-key-another]")) addKey(form)?.focus();
  });
}

function addKey(form) {
  const template = form.querySelector("template[data-key-row]");
  const list = form.querySelector("[data-keys]");
  if (!template || !list) return null;
  const row = template.content.cloneNode(true);
  const input = row.querySelector("input[name=key]");
  const button = row.querySelector("[data-key-show]");
  input.id = `key-new-${list.children.length}`;
  button.setAttribute("aria-controls", input.id);
  button.hidden = false;
  list.append(row);
  list.closest("details")?.setAttribute("open", "");
  return input;
}

/** Says whose key a pasted key looks like. */
function guessKey(form) {
  const note = form.querySelector("[data-key-guess]");
  const input = form.querySelector("input[name=key]");
  if (!note || !input) return;
  input.addEventListener("input", async () => {
    const value = input.value.trim();
    if (value.length < 12) {
      note.replaceChildren();
      return;
    }
    const asked = value;
    const answer = await fragment(form, note.dataset.keyGuess);
    if (input.value.trim() === asked) note.replaceChildren(answer);
  });
}

/** Filters the fetched models by what is typed, and takes the one that is chosen. */
function prepareModels(form) {
  const input = form.elements.model;
  const list = form.querySelector("[data-models]");
  if (!input || !list) return;
  // The list replaces the browser's own suggestions.
  input.removeAttribute("list");
  list.hidden = false;
  const options = [...list.querySelectorAll("[data-model-option]")];
  const mark = () => {
    for (const option of options) {
      option.setAttribute("aria-pressed", String(option.value === input.value.trim()));
    }
  };
  const filter = () => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const option of options) {
      const text = option.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word));
      option.parentElement.hidden = !fits;
      if (fits) shown += 1;
    }
    const none = form.querySelector("[data-models-none]");
    if (none) none.hidden = shown > 0 || options.length === 0;
    mark();
  };
  for (const option of options) {
    option.addEventListener("click", () => {
      input.value = option.value;
      input.removeAttribute("aria-invalid");
      for (const other of options) other.parentElement.hidden = false;
      mark();
      form.dispatchEvent(new Event("model-chosen"));
      input.focus();
    });
  }
  form.modelFilter?.abort();
  form.modelFilter = new AbortController();
  input.addEventListener("input", filter, { signal: form.modelFilter.signal });
  mark();
  list.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
}

/** Shows what is known about the model that is typed or chosen. */
function showFacts(form) {
  const box = form.querySelector("[data-model-facts]");
  const input = form.elements.model;
  if (!box || !input) return;
  let running;
  let timer;
  const ask = async () => {
    running?.abort();
    const { signal } = (running = new AbortController());
    try {
      const answer = await fragment(form, box.dataset.modelFacts, undefined, signal);
      const open = box.querySelector("details")?.open ?? false;
      box.replaceChildren(answer);
      const details = box.querySelector("details");
      if (details) details.open = open;
    } catch {
      // The facts of another model must not stay there; a newer question brings its own.
      if (!signal.aborted) box.replaceChildren();
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };
  input.addEventListener("input", soon);
  form.addEventListener("model-chosen", ask);
  form.elements.base_url?.addEventListener("input", soon);
}

/** Enter in a field about the model keeps the facts; it does not save the provider. */
function enterSetsFacts(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.name?.startsWith("fact_")) return;
    event.preventDefault();
    form.querySelector("[data-fact-set]")?.click();
  });
}

/** Buttons with data-copy="ID" copy the text of that element and answer. */
function copies(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = words; }, 1600);
    } catch {
      // Without the right to use the clipboard the text is selected, one key away.
      getSelection().selectAllChildren(source);
    }
  });
}

/** The colours are this browser's own: they are kept here and change at once. */
function chooseTheme(form) {
  let kept = null;
  try { kept = localStorage.getItem("halo-theme"); } catch { /* storage is closed */ }
  for (const input of form.elements.theme) {
    input.checked = input.value === (kept ?? "system");
    input.addEventListener("change", () => {
      try {
        if (input.value === "system") localStorage.removeItem("halo-theme");
        else localStorage.setItem("halo-theme", input.value);
      } catch { /* storage is closed: the choice lasts as long as the page */ }
      if (input.value === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = input.value;
    });
  }
}

/** Takes over the base URL that the doctor found. */
function takeBase(form) {
  form.addEventListener("click", (event) => {
    const base = event.target.closest("[data-use-base]")?.dataset.useBase;
    const field = form.elements.base_url;
    if (!base || !field) return;
    field.value = base;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

/** A form that shows a refused model shows at once which ones there are. */
function fetchForRefused(form) {
  if (!form.querySelector("[data-refused]")) return;
  form.requestSubmit(form.querySelector("[data-fetch-models]"));
  const input = form.elements.model;
  input.addEventListener("input", () => input.removeAttribute("aria-invalid"), { once: true });
}

/** The field a link points at is scrolled to and focused. */
function openField() {
  const field = document.querySelector("[data-open-field]");
  if (!field) return;
  field.scrollIntoView({ block: "center" });
  field.querySelector("input, select, textarea")?.focus({ preventScroll: true });
}

for (const form of document.querySelectorAll("[data-provider-form]")) {
  fillInPlace(form);
  echoUrl(form);
  spreadKeys(form);
  guessKey(form);
  prepareModels(form);
  showFacts(form);
  enterSetsFacts(form);
  takeBase(form);
}
for (const form of document.querySelectorAll("[data-quick-key]")) guessKey(form);
for (const form of document.querySelectorAll("[data-appearance-form]")) chooseTheme(form);
const main = document.querySelector("[data-settings]") ?? document;
showKeys(main);
copies(main);
openField();
for (const form of document.querySelectorAll("[data-provider-form]")) fetchForRefused(form);
