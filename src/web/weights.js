// What weights need of the browser: to fetch, to sum, to keep. When and how often is decided in weights.rs.

const CACHE = "ecgnet-weights";

/** So long, in milliseconds, a connection may bring nothing. */
const PATIENCE = 30_000;

/**
 * A file's status and bytes; not more than `expected` bytes are taken.
 * Rejects where the server cannot be reached, or the connection breaks or brings nothing any more.
 */
export async function fetchBytes(address, expected, before, total, report) {
  const abortion = new AbortController();
  const giveUp = () => abortion.abort(new Error(`nothing came for ${PATIENCE / 1000} seconds`));
  let patience = setTimeout(giveUp, PATIENCE);
  try {
    const response = await fetch(address, { cache: "no-cache", credentials: "same-origin", signal: abortion.signal });
    if (!response.ok) {
      abortion.abort();
      return { status: response.status, bytes: new Uint8Array() };
    }
    const parts = [];
    let length = 0;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(patience);
      patience = setTimeout(giveUp, PATIENCE);
      parts.push(part.value);
      length += part.value.length;
      if (length > expected) {
        await reader.cancel();
        break;
      }
      report?.({ received: before + length, total });
    }
    return { status: response.status, bytes: new Uint8Array(await new Blob(parts).arrayBuffer()) };
  } finally {
    clearTimeout(patience);
  }
}

/** The SHA-256 sum in hexadecimal digits; undefined where the browser does not give it to this page. */
export async function sha256(bytes) {
  const sum = await globalThis.crypto?.subtle?.digest("SHA-256", bytes);
  return sum && Array.from(new Uint8Array(sum), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes that were kept at an address, if any. */
export async function kept(address) {
  const response = await (await globalThis.caches?.open(CACHE))?.match(address);
  return response && new Uint8Array(await response.arrayBuffer());
}

/** Keeps bytes for the next visit, in place of others at the same address but for its query. */
export async function keep(address, bytes) {
  const cache = await globalThis.caches?.open(CACHE);
  await cache?.delete(address, { ignoreSearch: true });
  await cache?.put(address, new Response(bytes));
}
