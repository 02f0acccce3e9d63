// The interface's words, given by the server in the person's language.
const given = JSON.parse(document.body.dataset.words ?? "{}");

/** The text of a key, with {name} replaced. */
export function word(key, fill = {}) {
  return (given[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => fill[name] ?? all);
}
