// “This is wrong”: the form of a card, opened and answered in place.
import { Refusal } from "./http.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

async function ask(url, body) {
  let response;
  try {
    const headers = { accept: "application/json", "x-halo-fragment": "1" };
    response = await fetch(url, { method: body ? "POST" : "GET", body, headers });
  } catch {
    throw new Refusal(word("script-offline"), 0);
  }
  if (response.status === 401) { location.reload(); return new Promise(() => {}); }
  const text = await response.text();
  if (response.headers.get("content-type")?.startsWith("text/html")) {
    const template = document.createElement("template");
    template.innerHTML = text;
    return template.content;
  }
  let answer = {};
  try { answer = JSON.parse(text); } catch { answer = { error: text.slice(0, 300) }; }
  if (!response.ok) throw new Refusal(answer.error || `${response.status}`, response.status);
  return null;
}

const failed = (error) => toast(word("script-failed", { what: error.message }));

/** Shows what came of a form in its place and brings it into sight. */
function fill(place, content, pressed) {
  place.replaceChildren(content);
  place.querySelector(`[data-teach-do="${pressed}"]`)?.focus({ preventScroll: true });
  const news = place.querySelector("[data-teach-trouble], [data-teach-preview]");
  (news?.closest("form")?.querySelector(".teach-acts") ?? place).scrollIntoView({ block: "nearest" });
  news?.scrollIntoView({ block: "nearest" });
}

async function open(link) {
  const place = link.closest("[data-card]").querySelector("[data-teach-place]");
  if (place.firstElementChild) {
    place.replaceChildren();
    link.setAttribute("aria-expanded", "false");
    return;
  }
  try {
    const content = await ask(link.href);
    place.replaceChildren(content);
    link.setAttribute("aria-expanded", "true");
    // The focus comes first: the thread does not scroll away from it.
    place.querySelector("select, a")?.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  } catch (error) { failed(error); }
}

/**
 * Makes the forms of the page answer in place. `taught` is called with what the server sent,
 * null where the page has to look for itself, once a rule came or went.
 */
export function teaches(taught) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-teach-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-teach-form], [data-unteach]")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    form.setAttribute("aria-busy", "true");
    const card = form.closest("[data-card]").dataset.attemptId;
    try {
      const body = new URLSearchParams(new FormData(form, event.submitter));
      const content = await ask(form.getAttribute("action"), body);
      if (content && !content.querySelector("[data-card]")) {
        const pressed = event.submitter?.dataset.teachDo;
        fill(form.closest("[data-teach-place]"), content, pressed);
        return;
      }
      await taught(content);
      const now = card ? `[data-card][data-attempt-id="${card}"]` : "[data-card]";
      const own = document.querySelector(`${now} [data-own-rule] a, ${now} [data-teach-open]`);
      own?.focus({ preventScroll: true });
      own?.scrollIntoView({ block: "nearest" });
    } catch (error) { failed(error); } finally { form.removeAttribute("aria-busy"); }
  });
  // What was shown holds for what was asked then.
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("[data-teach-form]");
    form?.querySelector("[data-teach-preview]")?.remove();
    form?.querySelector("[data-teach-trouble]")?.remove();
  });
}
