// Serves the repository's page with the headers of `ecgnet serve`; weights may come from another folder.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The headers that `ecgnet serve` sends, as its source states them. */
export async function serveHeaders() {
  const source = await readFile(join(ROOT, "src/command/serve.rs"), "utf8");
  const [, list] = source.match(/const HEADERS:[^=]*= \[(.*?)\n\];/s);
  const pairs = list.matchAll(/\(\s*"([^"]*)",\s*"([^"]*)",?\s*\)/gs);
  return Object.fromEntries([...pairs].map(([, name, value]) => [name, value.replace(/\\\n\s*/g, "")]));
}

/**
 * Starts a server on a free port of this computer. `override(path)` may answer `{ content }` or `{ status }` instead of
 * a file; `asked` is filled with the paths of all requests; a plain host has no `headers` but its own.
 */
export async function serve({ weights, asked = [], override = () => undefined, headers }) {
  const sent = headers ?? (await serveHeaders());
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    asked.push(path);
    const [, first, ...rest] = path.split("/");
    const file = first === "weights" ? join(weights, ...rest) : join(ROOT, path === "/" ? "index.html" : path);
    try {
      const { status = 200, content = status === 200 ? await readFile(file) : "" } = (await override(path, file)) ?? {};
      response.writeHead(status, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", ...sent });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { address: `http://localhost:${server.address().port}/`, close };
}
