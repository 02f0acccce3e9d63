// The frame of every page: conversation list, drawer, notes, copying.
import "./connection.js";
import { fragment, post } from "./http.js";
import { listen, on } from "./events.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const root = document.documentElement;

/* The conversation list */

let listRun = null;
let listAgain = false;
let listAll = new URLSearchParams(location.search).get("list") === "all";

async function refreshList() {
  if (listRun) { listAgain = true; return listRun; }
  const active = document.getElementById("conversation")?.dataset.conversation ?? "";
  listRun = fragment(`/list?list=${listAll ? "all" : ""}${active ? `&active=${active}` : ""}`).then((content) => {
    const list = document.getElementById("list");
    const next = content.getElementById("list");
    const count = document.querySelector("[data-outbox-count]");
    if (count && next) {
      count.textContent = next.dataset.openTurns;
      count.hidden = next.dataset.openTurns === "0";
    }
    // A menu that is open or a title that is being typed is left alone.
    if (!list || !next || list.querySelector("[data-menu][open]")) return;
    if (list.innerHTML !== next.innerHTML) {
      const focused = document.activeElement?.closest("[data-conversation-row]")?.dataset.conversationRow;
      list.replaceChildren(...next.childNodes);
      if (focused) list.querySelector(`[data-conversation-row="${focused}"] a`)?.focus();
    }
  }).catch(() => {}).finally(() => {
    listRun = null;
    if (listAgain) { listAgain = false; refreshList(); }
  });
  return listRun;
}

/** The open conversation is in sight in a long list. */
function showActive() {
  const list = document.getElementById("list");
  const row = list?.querySelector(".row.active");
  if (!row) return;
  const gap = row.getBoundingClientRect().top - list.getBoundingClientRect().top;
  if (gap < 0 || gap + row.offsetHeight > list.clientHeight) list.scrollTop += gap - list.clientHeight / 2;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-action=list-all]")) { event.preventDefault(); listAll = true; refreshList(); }
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});
// A menu opens upwards where the list ends below it. The event does not bubble.
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.open || !menu.matches("[data-menu]")) return;
  const list = menu.closest("[data-list]").getBoundingClientRect();
  const panel = menu.querySelector(".menu");
  panel.classList.remove("up");
  const below = panel.getBoundingClientRect();
  const row = menu.closest(".row").getBoundingClientRect();
  panel.classList.toggle("up", below.bottom > list.bottom && row.top - below.height > list.top);
  panel.scrollIntoView({ block: "nearest" });
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("[data-menu][open]");
  if (menu) { menu.removeAttribute("open"); menu.querySelector("summary").focus(); event.preventDefault(); }
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const kind = form.dataset?.enhance;
  if (!["rename", "delete", "keep"].includes(kind)) return;
  event.preventDefault();
  const row = form.closest("[data-conversation-row]");
  const id = row.dataset.conversationRow;
  try {
    await post(form.getAttribute("action"), new URLSearchParams(new FormData(form)));
    row.querySelector("[data-menu]").removeAttribute("open");
    if (kind !== "delete") {
      await refreshList();
      document.querySelector(`[data-conversation-row="${id}"] a`)?.focus();
      return;
    }
    row.remove();
    const open = document.getElementById("conversation")?.dataset.conversation === id;
    if (open) { location.href = `/new?deleted=${id}`; return; }
    toast(word("script-deleted"), word("script-undo"), async () => {
      await post(`/c/${id}/restore`, new URLSearchParams());
      refreshList();
    });
    refreshList();
  } catch (error) {
    toast(word("script-failed", { what: error.message }));
  }
});

/* Search: finds stand in place of the list while there is something in the field */

{
  const form = document.querySelector("[data-search]");
  const field = form?.querySelector("input");
  const place = document.querySelector("[data-found-here]");
  const list = document.getElementById("list");
  let asked = 0;
  let timer = 0;

  const look = async () => {
    const query = field.value.trim();
    const mine = ++asked;
    if (query === "") { place.hidden = true; place.replaceChildren(); list.hidden = false; return; }
    try {
      const content = await fragment(`/search?q=${encodeURIComponent(query)}`);
      // An answer that was overtaken by a later question is none.
      if (mine !== asked) return;
      place.replaceChildren(content);
      place.hidden = false;
      list.hidden = true;
    } catch (error) {
      if (mine === asked) toast(word("script-failed", { what: error.message }));
    }
  };
  const clear = () => { field.value = ""; look(); };

  field?.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(look, 120);
  });
  field?.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(look, 120); });
  form?.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); look(); });
  form?.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && field.value !== "") { clear(); event.preventDefault(); event.stopPropagation(); }
    if (event.key === "ArrowDown") { place.querySelector("a")?.focus(); event.preventDefault(); }
  });
  place?.addEventListener("keydown", (event) => {
    const rows = [...place.querySelectorAll("a")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "Escape") { clear(); field.focus(); event.preventDefault(); event.stopPropagation(); }
    if (event.key === "ArrowDown") { rows[at + 1]?.focus(); event.preventDefault(); }
    if (event.key === "ArrowUp") { (rows[at - 1] ?? field).focus(); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (matchMedia("(max-width: 60rem)").matches) root.classList.add("drawer");
    field.focus();
    field.select();
  });
}

/* The drawer of narrow pages */

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action === "drawer-open") {
    root.classList.add("drawer");
    document.querySelector("#sidebar a, #sidebar button")?.focus();
  } else if (action === "drawer-close") {
    root.classList.remove("drawer");
    document.querySelector("[data-action=drawer-open]")?.focus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && root.classList.contains("drawer")) {
    root.classList.remove("drawer");
    event.preventDefault();
  }
});

/* Copying */

async function copy(text, button) {
  let copied = true;
  try { await navigator.clipboard.writeText(text); } catch { copied = legacyCopy(text); }
  if (!copied) { toast(word("script-copy-failed")); return; }
  const label = button.querySelector("span:not(.sr-only)") ?? (button.querySelector("svg") ? null : button);
  if (!label) { toast(word("script-copied")); return; }
  const before = label.dataset.label ?? label.textContent;
  label.dataset.label = before;
  label.textContent = word("script-copied");
  button.dataset.copied = "";
  clearTimeout(Number(label.dataset.timer));
  label.dataset.timer = setTimeout(() => {
    label.textContent = before;
    delete button.dataset.copied;
  }, 2000);
}

/** For pages without the clipboard interface, which needs a secure address. */
function legacyCopy(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action]");
  switch (button?.dataset.action) {
    case "copy-code":
      copy(button.closest("figure").querySelector("code").textContent, button);
      break;
    case "copy-message":
    case "report": {
      event.preventDefault();
      try {
        const response = await fetch(button.href);
        if (!response.ok) throw new Error(String(response.status));
        await copy(await response.text(), button);
      } catch (error) {
        toast(word("script-failed", { what: error.message }));
      }
      break;
    }
  }
});

/* Keys */

{
  const keys = document.getElementById("keys");
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === "o") {
      event.preventDefault();
      location.href = "/new";
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "?" || typing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys.showModal();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-action=keys]")) keys.showModal();
    else if (event.target === keys) keys.close();
  });
}

/* A whole answer is announced, once; a card announces itself */

{
  const conversation = document.getElementById("conversation");
  let busy = conversation && "busy" in conversation.dataset;
  conversation?.addEventListener("halo-state", () => {
    const was = busy;
    busy = "busy" in conversation.dataset;
    const last = [...conversation.querySelectorAll("[data-message]")].at(-1);
    const parts = last?.dataset.messageRole === "assistant" ? [...last.querySelectorAll("[data-answer]")] : [];
    if (!was || busy || parts.length === 0 || conversation.querySelector("[data-card]:not(.past)")) return;
    const text = parts.map((part) => part.textContent.trim()).join(" ").slice(0, 600);
    document.querySelector("[data-announce]").textContent = word("script-answered", { text });
  });
}

// The server shows days and times in the browser's zone.
{
  const east = String(-new Date().getTimezoneOffset());
  const told = document.cookie.match(/(?:^|; )halo_tz=([^;]*)/)?.[1];
  if (told !== east) {
    document.cookie = `halo_tz=${east}; path=/; max-age=31536000; samesite=strict`;
    if (east !== "0") { refreshList(); dispatchEvent(new CustomEvent("halo-zone")); }
  }
}

showActive();
on("list", refreshList);
// What happened before the stream was open.
on("open", refreshList);
on("resync", refreshList);
on("changed", refreshList);
listen();
