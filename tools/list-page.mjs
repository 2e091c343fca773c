// Writes pkg/files.js for the service worker: the files of the page with their sums, and a version made of their
// contents. Node 20.12 or later.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";

const isPart = (name) =>
  /^(www\/.*|pkg\/.*\.(js|wasm))$/.test(name) && name !== "pkg/files.js" && !name.split("/").some((part) => part.startsWith("."));

function fail(reason) {
  console.error(`list-page: ${reason}`);
  process.exit(1);
}

const below = async (folder) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.some(({ parentPath }) => parentPath === undefined)) {
    fail(`Node ${process.versions.node} does not say where files lie: Node 20.12 or later is needed`);
  }
  // On Windows names are parted by backslashes.
  const names = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`.replaceAll("\\", "/"));
  const parts = names.filter(isPart);
  if (parts.length === 0) {
    fail(`there is no file of the page in ${folder}/: build it with \`make pkg\`, and run this beside index.html`);
  }
  return parts;
};

const listed = [...(await below("www")), ...(await below("pkg"))].sort();
const version = createHash("sha256");
const files = {};
for (const name of ["index.html", "service-worker.js", ...listed]) {
  const content = await readFile(name);
  version.update(name).update(content);
  files[name === "index.html" ? "./" : name] = `sha256-${createHash("sha256").update(content).digest("base64")}`;
}
// The browser keeps a service worker by itself.
delete files["service-worker.js"];
const page = { version: version.digest("hex").slice(0, 16), files };
await writeFile("pkg/files.js", `self.PAGE = ${JSON.stringify(page, null, 2)};\n`);
