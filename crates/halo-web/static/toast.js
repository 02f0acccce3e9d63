// Short notes at the foot of the page.
const place = document.getElementById("toasts");

/** Shows a note, with a button if `label` is given. */
export function toast(text, label, act) {
  const note = document.createElement("div");
  note.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  note.append(words);
  if (label) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    button.dataset.action = "undo-delete";
    button.textContent = label;
    button.addEventListener("click", () => { note.remove(); act(); });
    note.append(button);
  }
  place.append(note);
  setTimeout(() => note.remove(), label ? 12000 : 4500);
  return note;
}
