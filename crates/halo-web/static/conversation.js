// The page of a conversation: its forms, made quicker.
import "./composer.js";
import { post } from "./http.js";
import { pick } from "./models.js";
import { teaches } from "./teach.js";
import { id, refresh, toBottom } from "./thread.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const kind = form.dataset?.enhance;
  if (!["act", "post", "pick", "play"].includes(kind)) return;
  event.preventDefault();
  if (kind === "pick") {
    pick((target) => {
      form.elements.target.value = target;
      perform(form, kind);
    }, { seeing: "onlySeeing" in form.dataset });
    return;
  }
  perform(form, kind);
});

async function perform(form, kind) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await post(form.getAttribute("action"), new URLSearchParams(new FormData(form)));
    if (answer.conversation && answer.conversation !== id) {
      location.href = `/c/${answer.conversation}`;
      return;
    }
    if (kind === "play") document.querySelector("[data-practice]")?.remove();
    await refresh();
    if (kind === "post" && button.dataset.action?.startsWith("sibling-")) stay(form, button.dataset.action);
    else if (["pin", "unpin", "save-summary"].includes(button.dataset.action)) rest(form);
    else toBottom();
  } catch (error) {
    toast(word("script-failed", { what: error.message }));
    refresh();
  } finally {
    button.disabled = false;
  }
}

// The thread fetches the card as it is read now.
teaches(refresh);

/** Another alternative took the place of a message: the focus stays on its arrows. */
function stay(form, action) {
  const message = form.getAttribute("action").split("/").at(-2);
  const arrows = document.querySelector(`[data-message="${CSS.escape(message)}"] .siblings`);
  const arrow = arrows?.querySelector(`[data-action=${action}]:enabled`) ?? arrows?.querySelector("button:enabled");
  arrow?.focus({ preventScroll: true });
  arrow?.scrollIntoView({ block: "nearest" });
}

/** A mark on a message or a step further up: the page stays where it is. */
function rest(form) {
  const message = form.getAttribute("action").split("/").at(-2);
  const pin = document.querySelector(`[data-message="${CSS.escape(message)}"] :is([data-action=pin], [data-action=unpin])`);
  pin?.focus({ preventScroll: true });
}

// A picker's text field is for pages without scripts; here the dialog chooses.
for (const input of document.querySelectorAll(".pick-input")) input.required = false;
new MutationObserver(() => {
  for (const input of document.querySelectorAll(".pick-input[required]")) input.required = false;
}).observe(document.getElementById("thread"), { childList: true, subtree: true });
