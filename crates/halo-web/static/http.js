// Requests to the app.
import { word } from "./words.js";

/** A refusal in words. */
export class Refusal extends Error {
  constructor(text, status) { super(text); this.status = status; }
}

/** Posts a form and returns the JSON answer; throws a Refusal whose message is for the person. */
export async function post(url, body) {
  let response;
  try {
    response = await fetch(url, { method: "POST", body, headers: { accept: "application/json" } });
  } catch {
    throw new Refusal(word("script-offline"), 0);
  }
  if (response.status === 401) { location.reload(); return new Promise(() => {}); }
  const text = await response.text();
  let answer = {};
  try { answer = JSON.parse(text); } catch { answer = { error: text.slice(0, 300) }; }
  if (!response.ok) throw new Refusal(answer.error || `${response.status}`, response.status);
  return answer;
}

/** The HTML of a fragment as a document fragment. */
export async function fragment(url) {
  const response = await fetch(url, { headers: { accept: "text/html" } });
  if (response.status === 401) { location.reload(); return new Promise(() => {}); }
  if (!response.ok) throw new Refusal(`${response.status}`, response.status);
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  return template.content;
}
