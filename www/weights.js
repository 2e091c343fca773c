// Fetches weights, which lie beside the page, and checks that they are the ones that the manifest means.

const FOLDER = new URL("../weights/", import.meta.url);

class WeightsError extends Error {
  constructor(message) {
    super(message);
    this.code = "weights";
  }
}

async function fetchFile(name) {
  const response = await fetch(new URL(name, FOLDER), { cache: "no-cache" });
  if (!response.ok) {
    throw new WeightsError(`The file weights/${name} is not there (status ${response.status}).`);
  }
  return response;
}

/** The bytes of the list of networks. */
export async function fetchManifest() {
  const response = await fetchFile("manifest.json");
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * The bytes of weights files, whose SHA-256 sums are checked.
 * @param {import("../pkg/ecgnet.js").WeightsFile[]} files
 * @param {(progress: { received: number, total: number }) => void} report
 */
export async function fetchChecked(files, report) {
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const loaded = [];
  let before = 0;
  for (const { file, bytes, sha256 } of files) {
    const response = await fetchFile(file);
    const content = await received(response, bytes, (received) => report({ received: before + received, total }));
    if ((await sha256Of(content)) !== sha256) {
      throw new WeightsError(`The file weights/${file} is not the one that the manifest means: its SHA-256 sum differs.`);
    }
    loaded.push(content);
    before += bytes;
  }
  return loaded;
}

/** A response's bytes, of which there must be exactly as many as expected. */
async function received(response, expected, report) {
  const content = new Uint8Array(expected);
  let length = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (length + part.value.length > expected) {
      await reader.cancel();
      length = Infinity;
      break;
    }
    content.set(part.value, length);
    length += part.value.length;
    report(length);
  }
  if (length !== expected) {
    throw new WeightsError(`${new URL(response.url).pathname} has not the ${expected} bytes that the manifest says.`);
  }
  return content;
}

async function sha256Of(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
