// Serves the page, ECGNet's package, the models and the other runtimes as a static host does, and says how much that is.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "../..");

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};
/** Without these headers a page has no threads. */
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/**
 * A server on a free port of this computer. `downloaded` says how many bytes a static host would have sent so far: it
 * compresses programs and texts, which here is left out, so that no loading waits for it.
 */
export async function serve({ models, isolated }) {
  const folders = { pkg: join(ROOT, "pkg"), weights: models, models, node_modules: join(HERE, "node_modules") };
  const sent = [];
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    const [, first, ...rest] = path.split("/");
    const file = first in folders ? join(folders[first], ...rest) : join(HERE, path);
    try {
      const content = await readFile(file);
      const type = TYPES[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Content-Length": content.length, ...(isolated && ISOLATED) });
      response.end(content);
      sent.push(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  const downloaded = async () => (await Promise.all(sent.map(transferred))).reduce((sum, bytes) => sum + bytes, 0);
  return { address: `http://localhost:${server.address().port}/page.html`, downloaded, close };
}

const sizes = new Map();

/** The bytes of a file on the line. */
async function transferred(file) {
  if (!sizes.has(file)) {
    const content = await readFile(file);
    sizes.set(file, (extname(file) in TYPES ? await promisify(gzip)(content) : content).length);
  }
  return sizes.get(file);
}
