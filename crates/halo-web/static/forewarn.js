// Says before the send what is known to go wrong: pictures that the model does not see or take,
// more than its window holds. Each with the ways out of it, one click each.
import { word } from "./words.js";

const dialog = document.getElementById("models");
const place = document.querySelector("[data-forewarn]");

/** About four bytes of ASCII or one other character a token, as the server estimates. */
export function estimate(text) {
  let ascii = 0;
  let other = 0;
  for (const char of text) char.codePointAt(0) < 128 ? ascii++ : other++;
  return Math.ceil(ascii / 4) + other;
}

function choices() {
  return [...dialog.querySelectorAll("[data-action=choose-model]:not([data-free])")];
}

/** The first model that fits: one of the same provider before others, none of practice. */
function better(own, fits) {
  const provider = (choice) => choice.closest("[data-models-group]");
  const here = own && provider(own);
  const real = (choice) => "practiceProvider" in provider(choice).dataset === Boolean(here && "practiceProvider" in here.dataset);
  const fitting = choices().filter((choice) => choice !== own && real(choice) && fits(choice));
  return fitting.find((choice) => provider(choice) === here) ?? fitting[0];
}

const short = (n) => (n >= 1000 ? `${Math.round(n / 100) / 10}k` : String(n));

/** How many of the pictures in the input a model refuses, and how many it takes at most. */
function refused(limits, attached, kept) {
  const [bytes, side, crowd, crowdSide, most, noGif] = (limits || "0 0 0 0 0 0").split(" ").map(Number);
  const count = attached.length + kept;
  const sides = [side, crowd > 0 && count > crowd ? crowdSide : 0].filter((limit) => limit > 0);
  const large = attached.filter((image) =>
    (bytes > 0 && image.bytes > bytes)
    || sides.some((limit) => Math.max(image.width, image.height) > limit)
    || (noGif && image.media_type === "image/gif"));
  return { large: large.length, most, many: most > 0 && count > most };
}

/** What is wrong with sending this now, and the ways out. */
function warnings({ target, text, attached, smaller, canCompact }) {
  const own = choices().find((choice) => choice.dataset.target === target);
  const next = document.querySelector("[data-next]");
  // Of a model that no list holds the server knows, once it is the conversation's.
  const known = next?.dataset.target === target ? next.dataset : own?.dataset;
  if (!known) return [];
  const kept = Number(next?.dataset.images ?? 0);
  const model = own?.querySelector(".choice-name").textContent ?? known.model;
  const switchTo = (choice) => choice
    ? [{ way: "switch", label: word("script-forewarn-switch", { model: choice.dataset.label }), choice: choice.dataset }]
    : [{ way: "choose", label: word("script-forewarn-choose") }];
  const found = [];
  if (known.sees === "no" && (attached.length > 0 || kept > 0)) {
    const seeing = better(own, (choice) => choice.dataset.sees === "yes");
    found.push({
      kind: "blind",
      text: word("script-forewarn-blind", { model }),
      ways: [...switchTo(seeing), { way: "without", label: word("script-forewarn-without") }],
    });
  }
  const pictures = refused(known.pictures, attached, kept);
  const large = smaller || known.shrinks !== undefined ? 0 : pictures.large + Number(known.large ?? 0);
  if (known.sees !== "no" && large > 0) {
    found.push({
      kind: "large",
      text: word("script-forewarn-large", { model, count: String(large) }),
      ways: [{ way: "smaller", label: word("script-forewarn-smaller") }],
    });
  }
  if (known.sees !== "no" && pictures.many) {
    const keep = pictures.most - attached.length;
    const older = { way: "older", label: word("script-forewarn-older"), choice: { keep } };
    const count = String(attached.length + kept);
    found.push({
      kind: "many",
      text: word("script-forewarn-many", { model, most: String(pictures.most), count }),
      ways: [...(kept > 0 && keep >= 0 ? [older] : []), { way: "choose", label: word("script-forewarn-choose") }],
    });
  }
  const window = Number(known.window ?? 0);
  const used = Number(next?.dataset.tokens ?? 0) + estimate(text);
  const full = used > window;
  // The share of the window at which the person wants it offered; what is done without asking
  // needs no words as long as it can be done.
  const near = used >= window * Number(next?.dataset.compactPercent ?? 100) / 100;
  const room = next && "canCompact" in next.dataset;
  const byItself = room && "alwaysCompact" in next.dataset;
  if (window > 0 && !byItself && (full || (near && room))) {
    const larger = better(own, (choice) => Number(choice.dataset.window ?? 0) > used);
    const sizes = { model, used: short(used), window: short(window) };
    found.push({
      kind: full ? "full" : "near",
      text: full ? word("script-forewarn-full", sizes) : word("script-forewarn-near", sizes),
      ways: [
        ...(canCompact ? [{ way: "compact", label: word("script-forewarn-compact") }] : []),
        ...(full ? switchTo(larger) : []),
      ],
    });
  }
  return found;
}

let shown = "";

/** Shows what is wrong with `state`; `act` gets the way that is chosen. */
export function forewarn(state, act) {
  const found = warnings(state);
  const now = JSON.stringify(found);
  // Redrawn only where it changed, so that focus and a screen reader stay where they are.
  if (now === shown) return;
  shown = now;
  place.hidden = found.length === 0;
  place.replaceChildren(...found.flatMap(({ kind, text, ways }) => {
    const words = document.createElement("p");
    words.dataset.forewarned = kind;
    words.textContent = text;
    return [words, ...ways.map(({ way, label, choice }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link-button";
      button.dataset.forewarnWay = way;
      button.textContent = label;
      button.addEventListener("click", () => act(way, choice, kind));
      return button;
    })];
  }));
}
