// Keeps the page for when there is no network. It lies here so that it can answer for the whole page.
//
// `make pkg` writes pkg/files.js: the files of the page with their sums, and a version made of their contents. A new
// version is fetched whole, or else not at all, beside the one in use, and takes its place when no tab uses that any
// more or the visitor says so. Weights are kept by src/web/weights.js, other requests pass by.

importScripts("pkg/files.js");

const { version, files } = self.PAGE;
const PREFIX = "ecgnet-page-";
const CACHE = PREFIX + version;
/** The files' addresses and sums. */
const addresses = new Map(Object.entries(files).map(([file, sum]) => [new URL(file, self.registration.scope).href, sum]));

addEventListener("install", (event) => {
  const fetchAll = async () => {
    const cache = await caches.open(CACHE);
    // While files are being put on a host, some are of another version.
    await cache.addAll([...addresses].map(([address, integrity]) => new Request(address, { cache: "reload", integrity })));
  };
  event.waitUntil(fetchAll());
});

addEventListener("activate", (event) => {
  const forgetOthers = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(forgetOthers());
});

addEventListener("message", ({ data }) => {
  if (data === "use now") {
    self.skipWaiting();
  }
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const [bare] = request.url.split(/[?#]/);
  const address = bare === `${self.registration.scope}index.html` ? self.registration.scope : bare;
  if (request.method === "GET" && addresses.has(address)) {
    const kept = async () => (await (await caches.open(CACHE)).match(address)) ?? fetch(request);
    event.respondWith(kept());
  }
});
