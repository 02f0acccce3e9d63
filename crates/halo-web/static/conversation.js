// The page of a conversation: its forms, made quicker.
import "./composer.js";
import { post } from "./http.js";
import { pick } from "./models.js";
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
    toBottom();
  } catch (error) {
    toast(word("script-failed", { what: error.message }));
    refresh();
  } finally {
    button.disabled = false;
  }
}

// A picker's text field is for pages without scripts; here the dialog chooses.
for (const input of document.querySelectorAll(".pick-input")) input.required = false;
new MutationObserver(() => {
  for (const input of document.querySelectorAll(".pick-input[required]")) input.required = false;
}).observe(document.getElementById("thread"), { childList: true, subtree: true });
