// News from the server, by the shared worker where there is one.
const handlers = new Map();
let opened = false;

/**
 * Calls `handler` with the data of each event of a name. One that asks for "open" after the
 * stream was opened is told at once: modules load in no fixed order.
 */
export function on(name, handler) {
  if (!handlers.has(name)) handlers.set(name, []);
  handlers.get(name).push(handler);
  if (name === "open" && opened) queueMicrotask(handler);
}

function take({ name, data }) {
  if (name === "open") opened = true;
  for (const handler of handlers.get(name) ?? []) handler(data ?? {});
}

function direct() {
  const source = new EventSource("/events");
  source.addEventListener("open", () => take({ name: "open" }));
  source.addEventListener("error", () => {
    take({ name: "error" });
    if (source.readyState === EventSource.CLOSED) setTimeout(direct, 3000);
  });
  for (const name of ["delta", "changed", "list", "resync"]) {
    source.addEventListener(name, (event) => take({ name, data: JSON.parse(event.data) }));
  }
  addEventListener("pagehide", () => source.close(), { once: true });
}

/** Begins to listen. */
export function listen() {
  if (typeof SharedWorker === "undefined") { direct(); return; }
  let worker;
  try {
    worker = new SharedWorker("/assets/events-worker.js", { name: "halo-events" });
  } catch {
    direct();
    return;
  }
  let works = false;
  worker.addEventListener("error", () => { if (!works) { works = true; direct(); } });
  worker.port.addEventListener("message", (event) => { works = true; take(event.data); });
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("bye"));
  // A page that comes back from the browser's memory is no longer listened for.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}
