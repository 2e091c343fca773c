// Writes pkg/files.js for the service worker: the files of the page, and a version made of their contents.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";

const isPart = (name) => /^(www\/.*|pkg\/.*\.(js|wasm))$/.test(name) && name !== "pkg/files.js";

const below = async (folder) => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`);
};

const files = [...(await below("www")), ...(await below("pkg"))].filter(isPart).sort();
const version = createHash("sha256");
for (const name of ["index.html", "service-worker.js", ...files]) {
  version.update(name).update(await readFile(name));
}
const page = { version: version.digest("hex").slice(0, 16), files: ["./", ...files] };
await writeFile("pkg/files.js", `self.PAGE = ${JSON.stringify(page, null, 2)};\n`);
