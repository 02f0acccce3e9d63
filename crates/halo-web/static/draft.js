// A draft per conversation, kept in the browser: it survives switching, reload and failed sends.
const PREFIX = "halo-draft:";

/** The draft of a conversation. */
export function load(id) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + id)) ?? { text: "", images: [] };
  } catch {
    return { text: "", images: [] };
  }
}

/** Keeps a draft; an empty one is forgotten. */
export function save(id, draft) {
  try {
    if (!draft.text && draft.images.length + (draft.files?.length ?? 0) === 0 && !draft.model) localStorage.removeItem(PREFIX + id);
    else localStorage.setItem(PREFIX + id, JSON.stringify(draft));
  } catch {
    // Storage is full or closed: the draft lives in the page alone.
  }
}
