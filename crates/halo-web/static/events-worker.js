// One event stream for all tabs of this browser: a browser opens only a few connections to one
// host, and every tab with a stream of its own would use them up.
const ports = new Set();
let source = null;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function open() {
  source = new EventSource("/events");
  source.addEventListener("open", () => tell({ name: "open" }));
  source.addEventListener("error", () => {
    tell({ name: "error" });
    // A stream that was refused is closed for good; try again later.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000);
  });
  for (const name of ["delta", "changed", "list", "resync"]) {
    source.addEventListener(name, (event) => tell({ name, data: JSON.parse(event.data) }));
  }
}

self.addEventListener("connect", (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.addEventListener("message", (message) => {
    if (message.data === "bye") ports.delete(port);
  });
  port.start();
  if (source === null) open();
  else if (source.readyState === EventSource.OPEN) port.postMessage({ name: "open" });
});
