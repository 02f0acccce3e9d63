// The input: sending, stopping, pictures, drafts.
import { load, save } from "./draft.js";
import { on } from "./events.js";
import { forewarn } from "./forewarn.js";
import { Refusal, post } from "./http.js";
import { keyIn, noteKey, onSetUp, setUp, without } from "./keynote.js";
import { isOffered, pick } from "./models.js";
import { id, refresh, toBottom, upToDate } from "./thread.js";
import { word } from "./words.js";

const MAX_TEXT = 4_000_000;
const MAX_FILE = 1_000_000;
const form = document.querySelector("[data-composer]");
const conversation = document.getElementById("conversation");
const prompt = form.querySelector("[data-prompt]");
const tray = form.querySelector("[data-tray]");
const trouble = form.querySelector("[data-composer-error]");
const editing = form.querySelector("[data-editing]");
const key = id || "new";

let images = [];
/** Text files: name and text. */
let files = [];
let uploads = 0;
let sending = false;
/** What stood in the input before a prompt was taken up for editing; `null` while none is. */
let aside = null;
/** The model chosen before there is a conversation that could keep it. */
let model = null;

/** A UUIDv7: the id of the next turn, so that a repeated send is one turn. */
function newTurn() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let ms = Date.now();
  for (let at = 5; at >= 0; at--) { bytes[at] = ms % 256; ms = Math.floor(ms / 256); }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function complain(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

/** For browsers that do not size a textarea by its content. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

/** Keeps the draft. What is typed while a prompt is edited is not part of it. */
function keep() {
  const pictures = images.filter((image) => image.image);
  save(key, { text: without(aside ?? prompt.value), images: pictures, files, ...(model && { model }) });
}

/* What is known to go wrong */

/** Compares what would be sent now with what is known about the model. */
function warn() {
  const attached = aside === null ? images.flatMap((image) => image.image ?? []) : [];
  const smaller = form.elements.smaller.value !== "";
  const target = form.elements.target.value;
  forewarn({ target, text: aside === null ? prompt.value + blocks() : prompt.value, attached, smaller, canCompact: Boolean(id) }, async (way, choice, kind) => {
    try {
      if (way === "switch") await switchTo(choice.target, choice.label);
      else if (way === "choose") chooseModel({ seeing: kind === "blind" });
      else if (way === "compact") {
        const turn = newTurn();
        await post(`/c/${id}/compact`, new URLSearchParams({ turn }));
        await refresh();
      } else if (way === "smaller") {
        // A conversation that is still to come learns it with its first message.
        if (id) await post(`/c/${id}/send-smaller`, new URLSearchParams());
        form.elements.smaller.value = "1";
        if (id) await refresh();
        await send();
      } else if (way === "older") {
        await post(`/c/${id}/leave-out-images`, new URLSearchParams({ keep: choice.keep }));
        await refresh();
      } else {
        if (aside === null) images = [];
        showTray();
        keep();
        if (Number(document.querySelector("[data-next]")?.dataset.images ?? 0) > 0) {
          await post(`/c/${id}/leave-out-images`, new URLSearchParams());
          await refresh();
        }
        await send();
      }
    } catch (error) {
      complain(error.message);
    }
    warn();
  });
}

/* Pictures */

function showTray() {
  warn();
  tray.hidden = images.length + files.length === 0 || aside !== null;
  tray.replaceChildren(...images.map((image) => {
    const thumb = document.createElement("div");
    thumb.className = image.image ? "thumb" : "thumb pending";
    thumb.dataset.thumb = "";
    const picture = document.createElement("img");
    picture.src = image.url;
    picture.alt = image.name ?? "";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.dataset.action = "remove-picture";
    remove.setAttribute("aria-label", word("script-remove-picture", { name: image.name ?? "" }));
    remove.innerHTML = '<svg class="icon" aria-hidden="true"><use href="/assets/icons.svg#close"></use></svg>';
    remove.addEventListener("click", () => {
      images = images.filter((other) => other !== image);
      showTray();
      keep();
      prompt.focus();
    });
    thumb.append(picture, remove);
    return thumb;
  }), ...files.map((file) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "button small";
    chip.dataset.fileChip = "";
    chip.setAttribute("aria-label", word("script-remove-file", { name: file.name }));
    chip.textContent = `${file.name} · ${Math.ceil(new Blob([file.text]).size / 1000)} kB ×`;
    chip.addEventListener("click", () => {
      files = files.filter((other) => other !== file);
      showTray();
      keep();
      prompt.focus();
    });
    return chip;
  }));
}

async function addFile(file) {
  if (aside !== null) { complain(word("script-editing-pictures")); return; }
  if (!/^image\/(png|jpeg|gif|webp)$/.test(file.type)) {
    await addText(file);
    return;
  }
  complain("");
  const entry = { name: file.name, url: URL.createObjectURL(file) };
  images.push(entry);
  uploads++;
  showTray();
  try {
    const body = new FormData();
    body.append("file", file, file.name);
    const answer = await post("/images", body);
    entry.image = answer.images[0].image;
    entry.url = answer.images[0].url;
  } catch (error) {
    images = images.filter((other) => other !== entry);
    complain(error.message);
  } finally {
    uploads--;
    showTray();
    keep();
  }
}

/* Text files */

/** The text of a file: UTF-8, or what its mark says; `null` where it is no text. */
async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes("\0") || text.startsWith("%PDF-") ? null : text.replaceAll("\r\n", "\n");
  } catch {
    return null;
  }
}

async function addText(file) {
  if (file.size > MAX_FILE) { complain(word("script-file-too-large", { name: file.name })); return; }
  const text = await textOf(file).catch(() => null);
  if (text === null) { complain(word("script-not-a-picture", { name: file.name })); return; }
  complain("");
  files.push({ name: file.name.replace(/[`\r\n]/g, "_"), text });
  showTray();
  keep();
}

/** The files as they stand behind the text of a message; the server finds them there again. */
function blocks() {
  return files.map(({ name, text }) => {
    const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
    const fence = "`".repeat(longest + 1);
    const language = /\.([a-z0-9]{1,10})$/i.exec(name)?.[1].toLowerCase() ?? "";
    return `\n\n\`${name}\`\n${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
  }).join("");
}

form.querySelector("[data-files]").addEventListener("change", (event) => {
  for (const file of event.target.files) addFile(file);
  event.target.value = "";
  prompt.focus();
});

function size(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

prompt.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length > 0) {
    event.preventDefault();
    files.forEach(addFile);
    return;
  }
  const text = event.clipboardData.getData("text/plain");
  if (text.length + prompt.value.length > MAX_TEXT) {
    event.preventDefault();
    complain(word("script-paste-too-large", { size: size(new Blob([text]).size), max: size(MAX_TEXT) }));
  }
});

addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  form.classList.add("dropping");
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("dropping"); });
addEventListener("drop", (event) => {
  form.classList.remove("dropping");
  if (event.dataTransfer.files.length === 0) return;
  event.preventDefault();
  [...event.dataTransfer.files].forEach(addFile);
});

/* Sending */

/** A command sends no pictures, so they stay for the next message. */
const COMMAND = /^(\/new|\/practice|\/compact(\s[^]*)?)$/;

/** Makes room for the next message. After an edit the draft it pushed aside comes back. */
function clear({ pictures = true } = {}) {
  if (aside === null && pictures) { images = []; files = []; }
  prompt.value = aside ?? "";
  aside = null;
  if (pictures) model = null;
  noteKey(prompt.value);
  form.elements.turn.value = newTurn();
  form.elements.smaller.value = "";
  form.elements.edit.value = "";
  editing.hidden = true;
  complain("");
  showTray();
  keep();
  fit();
}

/** What was last said about an answer or a wait that stands in the way. */
let underWay = "";

async function send() {
  if (sending) return;
  const text = prompt.value.trim();
  if (text && keyIn(text) === text) { setUp(); return; }
  if (!text && (images.length + files.length === 0 || aside !== null)) return;
  // The news of an answer's end may be on its way.
  if ("busy" in conversation.dataset) await upToDate();
  if ("busy" in conversation.dataset) {
    underWay = conversation.dataset.busy || word("script-busy");
    complain(underWay);
    return;
  }
  if (uploads > 0) { complain(word("script-wait-for-picture")); return; }
  const pictures = !COMMAND.test(text);
  if (text === "/practice") { clear({ pictures }); await openPractice(); return; }
  sending = true;
  const button = form.querySelector("[data-send]");
  button.disabled = true;
  form.elements.images.value = images.length ? JSON.stringify(images.map((image) => image.image)) : "";
  try {
    const body = new URLSearchParams(new FormData(form));
    if (aside === null && pictures) body.set("text", (prompt.value + blocks()).trimStart());
    const answer = await post(form.getAttribute("action"), body);
    clear({ pictures });
    if (answer.go) location.href = answer.go;
    else if (answer.conversation !== id) location.href = `/c/${answer.conversation}`;
    else { toBottom(); await refresh(); toBottom(); }
  } catch (error) {
    // The text stays where it is.
    complain(error.message);
    if (!(error instanceof Refusal)) throw error;
  } finally {
    sending = false;
    button.disabled = false;
  }
}

// What was said about an answer under way is over with it.
conversation.addEventListener("halo-state", () => {
  warn();
  if (!("busy" in conversation.dataset) && trouble.textContent === underWay) complain("");
});

// Nor is Halo gone any more once the stream is open.
on("open", () => { if (trouble.textContent === word("script-offline")) complain(""); });

form.addEventListener("submit", (event) => {
  if (event.submitter?.matches("[data-stop]")) {
    event.preventDefault();
    stop();
    return;
  }
  event.preventDefault();
  send();
});

/** Stops the running answer or the wait. */
async function stop() {
  if (!id || !("busy" in conversation.dataset)) return;
  try {
    await post(`/c/${id}/stop`, new URLSearchParams());
    await refresh();
  } catch (error) {
    complain(error.message);
  }
}

prompt.addEventListener("keydown", (event) => {
  // Enter that ends a composition of an input method is not meant for us. Some browsers send it
  // after the composition with code 229.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && prompt.value === "") {
    const last = [...document.querySelectorAll('[data-message-role="user"]')].at(-1);
    if (!last) return;
    event.preventDefault();
    prompt.value = promptOf(last.dataset.message);
    prompt.setSelectionRange(prompt.value.length, prompt.value.length);
    keep();
    fit();
  }
});
onSetUp(() => { prompt.value = without(prompt.value).trim(); keep(); });
prompt.addEventListener("input", () => { noteKey(prompt.value); keep(); fit(); warn(); if (!trouble.hidden) complain(""); });

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && !event.isComposing && !document.querySelector("dialog[open]")) stop();
  if (event.altKey && event.key.toLowerCase() === "m" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    chooseModel();
  }
});

/* Editing a prompt */

/** The text of a prompt that is shown. */
function promptOf(message) {
  const parts = document.querySelectorAll(`[data-message="${CSS.escape(message)}"] [data-text]`);
  return [...parts].map((part) => part.textContent).join("");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  switch (button?.dataset.action) {
    case "edit_message": {
      event.preventDefault();
      aside ??= prompt.value;
      prompt.value = promptOf(button.dataset.promptOf);
      showTray();
      form.elements.edit.value = button.dataset.promptOf;
      editing.hidden = false;
      prompt.focus();
      fit();
      break;
    }
    case "cancel-edit":
      event.preventDefault();
      clear();
      prompt.focus();
      break;
    case "open-models":
      chooseModel();
      break;
    case "open-practice":
      if (event.target.closest("a") && !event.metaKey && !event.ctrlKey) {
        event.preventDefault();
        document.documentElement.classList.remove("drawer");
        openPractice();
      }
      break;
  }
});

/** Shows the practice scenarios below the thread. */
async function openPractice() {
  const response = await fetch(`/practice/panel${id ? `?active=${id}` : ""}`);
  if (!response.ok) return;
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  const panel = template.content.firstElementChild;
  document.querySelector("[data-practice]")?.remove();
  document.querySelector("[data-welcome]")?.remove();
  document.getElementById("thread").append(panel);
  panel.scrollIntoView({ block: "start" });
  panel.querySelector("button")?.focus({ preventScroll: true });
}

/* The model */

function showModel(chosen) {
  // A conversation that begins with its settings begins with this model too.
  document.querySelector("[data-action=setup]").search = new URLSearchParams({ target: chosen.target });
  model = chosen;
  form.elements.target.value = chosen.target;
  document.querySelector("[data-model-name]").textContent = chosen.label;
  warn();
}

async function switchTo(target, label) {
  if (id) {
    try {
      await post(`/c/${id}/target`, new URLSearchParams({ target }));
      await refresh();
    } catch (error) {
      complain(error.message);
    }
  } else {
    showModel({ target, label });
    keep();
  }
  prompt.focus();
}

function chooseModel(options) {
  pick(switchTo, options);
}

/* The beginning */

form.elements.turn.value = newTurn();
const asked = new URLSearchParams(location.search);
// A conversation that began with its settings takes over what was typed before it had any.
if (id && asked.has("begun")) {
  const { model: _, ...typed } = load("new");
  if (typed.text || typed.images.length + (typed.files?.length ?? 0) > 0) save(key, typed);
  save("new", { text: "", images: [] });
  history.replaceState(null, "", location.pathname);
}
const draft = load(key);
images = (draft.images ?? []).filter((image) => image.image && image.url);
const given = asked.has("with");
files = draft.files ?? [];
if (!id && !given && draft.model && isOffered(draft.model.target)) showModel(draft.model);
if (!editing.hidden) aside = draft.text ?? "";
else if (!prompt.value) prompt.value = draft.text ?? "";
showTray();
fit();
if (matchMedia("(hover: hover)").matches) prompt.focus({ preventScroll: true });
