// The thread: takes over what changed, grows the running answer, follows it at the bottom.
import { fragment } from "./http.js";
import { on } from "./events.js";
import { tick } from "./countdown.js";
import { word } from "./words.js";

const conversation = document.getElementById("conversation");
const thread = document.getElementById("thread");
const scroller = document.getElementById("scroller");
const jump = document.querySelector("[data-action=jump]");

/** The conversation that is shown; empty before its first message. */
export const id = conversation.dataset.conversation;

/* Following */

let following = location.hash === "";
let lastTop = 0;

const part = (name) => conversation.querySelector(`[data-part=${name}]`);
/** Whether the conversation goes on where the page does not: "before" or "after". */
const beyond = (way) => part(way).childElementCount > 0;

function atBottom() {
  return !beyond("after") && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
}

/** The end of the thread; for a card that is higher than the window, its beginning. */
function toEnd() {
  const last = thread.lastElementChild;
  if (last?.dataset.item && last.querySelector("section[data-card]") && last.offsetHeight > scroller.clientHeight) {
    scroller.scrollTop = last.offsetTop - 8;
  } else {
    scroller.scrollTop = scroller.scrollHeight;
  }
}

/** Scrolls to the end and follows from there. */
export function toBottom() {
  following = true;
  jump.hidden = true;
  if (!beyond("after")) { toEnd(); return; }
  latest = true;
  refresh().finally(() => { latest = false; toEnd(); });
}

function follow() {
  // The practice panel is read from its beginning.
  if (thread.querySelector(":scope > [data-practice]")) { jump.hidden = true; return; }
  // A form on a card is not pulled away from the hands that fill it in.
  const filling = document.activeElement?.closest("[data-teach], [data-summary-form]");
  if (following && !filling) toEnd();
  jump.hidden = following || atBottom() || !!filling;
}

scroller.addEventListener("scroll", () => {
  // Only a scroll towards the top ends following; a page that grows is no scroll.
  const up = scroller.scrollTop < lastTop - 1;
  lastTop = scroller.scrollTop;
  if (up) following = atBottom();
  else following ||= atBottom();
  if (following) jump.hidden = true;
}, { passive: true });
jump.addEventListener("click", toBottom);
new ResizeObserver(follow).observe(thread);
new ResizeObserver(follow).observe(scroller);

/* Taking over what changed */

/** Carries what a person unfolded from an old item to its new form. */
function carry(from, to) {
  for (const old of from.querySelectorAll("[data-key]")) {
    const now = to.querySelector(`[data-key="${CSS.escape(old.dataset.key)}"]`);
    if (!now) continue;
    if (old instanceof HTMLDetailsElement) now.open = old.open;
    else if (old instanceof HTMLInputElement) now.checked = old.checked;
    else if (old instanceof HTMLTextAreaElement && old.value !== old.defaultValue) now.value = old.value;
  }
  // A form that is being filled in stays, unless the card means something else now.
  const place = from.querySelector("[data-teach-place]");
  const kind = (item) => item.querySelector("[data-card]")?.dataset.kind;
  if (place?.firstElementChild && kind(from) === kind(to)) {
    to.querySelector("[data-teach-place]")?.replaceChildren(...place.childNodes);
  }
  // It was announced when it first appeared.
  for (const alert of to.querySelectorAll("[role=alert]")) alert.removeAttribute("role");
}

/** What scripts add to items: labels of copy buttons, the marked words in view. */
function finish(root) {
  for (const button of root.querySelectorAll(".code-copy:empty")) button.textContent = word("script-copy");
  for (const fold of root.querySelectorAll(".fold.long")) {
    const raw = fold.querySelector(".raw");
    const mark = fold.querySelector("mark");
    if (mark && raw && !fold.querySelector(":checked")) {
      raw.scrollTop = Math.max(0, mark.offsetTop - raw.offsetTop - 60);
    }
  }
  tick();
}

/** Makes the items of the page those of `next`, touching only the ones that differ. */
function morph(next) {
  const wanted = [...next.children].filter((node) => node.dataset.item);
  const have = new Map([...thread.children].filter((n) => n.dataset.item).map((n) => [n.dataset.item, n]));
  if (wanted.length > 0) thread.querySelector("[data-welcome]")?.remove();
  let place = thread.firstElementChild;
  const fresh = [];
  for (const item of wanted) {
    const old = have.get(item.dataset.item);
    have.delete(item.dataset.item);
    let node = old;
    if (!old) {
      node = item;
      fresh.push(node);
    } else if (old.dataset.hash !== item.dataset.hash) {
      const active = document.activeElement;
      const focused = old.contains(active);
      carry(old, item);
      if (place === old) place = old.nextElementSibling;
      old.replaceWith(item);
      if (focused && item.contains(active)) active.focus({ preventScroll: true });
      else if (focused) item.querySelector("button, a, [tabindex]")?.focus({ preventScroll: true });
      node = item;
      fresh.push(node);
    }
    if (node === place) place = place.nextElementSibling;
    else thread.insertBefore(node, place);
  }
  for (const gone of have.values()) gone.remove();
  for (const node of fresh) finish(node);
}

function takeState(content) {
  const next = content.getElementById("conversation");
  const busy = "busy" in next.dataset;
  // Its value says what waits; it is empty while something is being answered.
  if (busy) conversation.dataset.busy = next.dataset.busy;
  else delete conversation.dataset.busy;
  document.querySelector("[data-send]").hidden = busy;
  const stop = document.querySelector("[data-stop]");
  if (stop) stop.hidden = !busy;
  for (const name of ["head", "status", "waits", "before", "after"]) {
    const old = conversation.querySelector(`[data-part="${name}"]`);
    const now = content.querySelector(`[data-part="${name}"]`);
    // The picker's button keeps the focus while nothing around it changed.
    if (old && now && old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  }
  const title = conversation.querySelector("[data-conversation-title]")?.textContent;
  if (title) document.title = `${title} · Halo`;
  conversation.dispatchEvent(new CustomEvent("halo-state", { detail: { content } }));
}

let run = null;
let again = false;
/** Whether the end is asked for, wherever the page is. */
let latest = false;
/** Pages that follow a long conversation let go of its beginning. */
const MOST = 120;

const items = () => [...thread.children].filter((node) => node.dataset.item);

/** The part that the page holds. */
function span() {
  const have = items();
  if (latest || have.length === 0 || (following && have.length > MOST)) return "";
  const to = beyond("after") ? `&to=${have.at(-1).dataset.item}` : "";
  return `?from=${have[0].dataset.item}${to}`;
}

/** Puts the next part of the conversation above or below what is there, which stays in its place. */
async function more(way) {
  const first = way === "before";
  const edge = items().at(first ? 0 : -1);
  if (!edge || !beyond(way)) return;
  const content = await fragment(`/c/${id}/thread?${way}=${edge.dataset.item}`);
  // Meanwhile the page may have gone elsewhere.
  if (!edge.isConnected || items().at(first ? 0 : -1) !== edge) return;
  const nodes = [...content.getElementById("thread").children].filter((node) => node.dataset.item);
  const top = edge.getBoundingClientRect().top;
  scroller.style.overflowAnchor = "none";
  if (first) edge.before(...nodes);
  else edge.after(...nodes);
  part(way).replaceChildren(...content.querySelector(`[data-part=${way}]`).childNodes);
  for (const node of nodes) finish(node);
  scroller.scrollTop += edge.getBoundingClientRect().top - top;
  lastTop = scroller.scrollTop;
  requestAnimationFrame(() => { scroller.style.overflowAnchor = ""; });
}

/* What is scrolled to is fetched before it is seen; a click on the link does the same. */
const edges = new IntersectionObserver(async (seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting || target.inert || !beyond(target.dataset.part)) continue;
    target.inert = true;
    try {
      await more(target.dataset.part);
      watch(target.dataset.part);
    } catch {
      // The link is there to try again, and so is scrolling away and back.
    }
    target.inert = false;
  }
}, { root: scroller, rootMargin: "900px 0px" });
function watch(way) {
  edges.unobserve(part(way));
  if (beyond(way)) edges.observe(part(way));
}
for (const way of ["before", "after"]) {
  part(way).addEventListener("click", (event) => { event.preventDefault(); more(way).catch(() => {}); });
}

/** Fetches the thread and takes over what changed. Calls while it runs make one more run. */
export function refresh() {
  if (!id) return Promise.resolve();
  if (run) { again = true; return run; }
  const asked = span();
  run = fragment(`/c/${id}/thread${asked}`).then((content) => {
    // Meanwhile more of the conversation came onto the page, which must not go again.
    if (asked !== span()) { again = true; return; }
    morph(content.getElementById("thread"));
    takeState(content);
    for (const way of ["before", "after"]) watch(way);
    follow();
  }).catch((error) => {
    // Deleted, here or in another tab: the page that follows offers to take that back.
    if (error.status === 404) location.href = `/new?deleted=${id}`;
  }).finally(() => {
    run = null;
    if (again) { again = false; refresh(); }
  });
  return run;
}

/** Fetches the thread as it is from now on. */
export async function upToDate() {
  refresh();
  while (run) await run;
}

/* The running answer */

function grow({ conversation: of, attempt, from_block, blocks, tail, thinking }) {
  if (of !== id || beyond("after")) return;
  const running = thread.querySelector(`[data-running][data-attempt="${attempt}"]`);
  if (!running) { refresh(); return; }
  if (thinking) {
    const place = running.querySelector("[data-thinking]");
    const have = place.textContent.length;
    if (thinking.start > have) { refresh(); return; }
    place.append(thinking.text.slice(have - thinking.start));
    place.closest("details").hidden = false;
  }
  if (tail === undefined) return;
  const place = running.querySelector("[data-blocks]");
  if (from_block > place.children.length) { gap(running); return; }
  while (place.children.length > from_block) place.lastElementChild.remove();
  for (const html of blocks) {
    const block = document.createElement("div");
    block.className = "block";
    block.innerHTML = html;
    place.append(block);
  }
  running.querySelector("[data-tail]").innerHTML = tail;
  finish(running);
  follow();
}

/** Some words were missed: the answer is taken as a whole. */
function gap(running) {
  const item = running.closest("[data-item]");
  if (item) item.dataset.hash = "";
  refresh();
}

on("delta", grow);
on("changed", (data) => { if (data.conversation === id) refresh(); });
on("resync", refresh);
// What happened between the rendering of the page and the stream is fetched once.
on("open", refresh);
addEventListener("halo-zone", refresh);

finish(document);
// The practice panel is read from its beginning.
const practice = thread.querySelector(":scope > [data-practice]");
if (practice) practice.scrollIntoView({ block: "start" });
else if (location.hash === "" && !beyond("after")) toBottom();
else following = atBottom();
for (const way of ["before", "after"]) watch(way);
