// What weights need of the browser: to fetch and to keep. When and how often is decided in weights.rs.

const CACHE = "ecgnet-weights";

/** So long, in milliseconds, a connection may bring nothing. */
const PATIENCE = 30_000;

const cache = async () => globalThis.caches?.open(CACHE);

/** What a connection brings; rejects where it brings nothing any more, and ends it. */
async function patiently(coming, abortion) {
  const giveUp = () => abortion.abort(new Error(`nothing came for ${PATIENCE / 1000} seconds`));
  const patience = setTimeout(giveUp, PATIENCE);
  try {
    return await coming;
  } finally {
    clearTimeout(patience);
  }
}

/** A file that comes in parts. */
class Parts {
  #reader;
  #abortion;
  #keeping;

  /** What was kept has no connection that could be ended. */
  constructor(response, abortion = undefined, keeping = undefined) {
    this.status = response.status;
    this.#reader = response.body.getReader();
    this.#abortion = abortion;
    this.#keeping = keeping;
  }

  /**
   * The next part, undefined after the last one.
   * Rejects where the connection breaks or brings nothing any more.
   */
  async next() {
    const reading = this.#reader.read();
    return (await (this.#abortion ? patiently(reading, this.#abortion) : reading)).value;
  }

  /** Wants no more of it. */
  end() {
    this.#abortion?.abort();
    this.#reader.cancel().catch(() => {});
  }

  /** Waits until what has come is kept; whether it is. */
  async isKept() {
    return this.#keeping;
  }
}

/**
 * A file from its server, which is kept at `keepAt` for the next visit while it comes.
 * Rejects where the server cannot be reached.
 */
export async function fetched(address, keepAt = undefined) {
  const abortion = new AbortController();
  const { signal } = abortion;
  const response = await patiently(fetch(address, { cache: "no-cache", credentials: "same-origin", signal }), abortion);
  // What nobody keeps would be held whole for nothing.
  const isKept = keepAt && response.ok && globalThis.caches;
  const keeping = isKept && keepStream(keepAt, new Response(response.clone().body));
  return new Parts(response, abortion, keeping);
}

/** Whether it was kept whole. */
const keepStream = async (address, response) => {
  try {
    await (await cache()).put(address, response);
    return true;
  } catch {
    await response.body?.cancel().catch(() => {});
    return false;
  }
};

/** The file that was kept at an address, if any. */
export async function kept(address) {
  const response = await (await cache())?.match(address);
  return response && new Parts(response);
}

/** Keeps a text for the next visit. */
export async function keep(address, text) {
  await (await cache())?.put(address, new Response(text));
}

/** Forgets the file that was kept at an address. */
export async function forget(address) {
  await (await cache())?.delete(address);
}

/** Forgets what was kept at the same address but for its query. */
export async function forgetOthers(address) {
  const { url } = new Request(address);
  const opened = await cache();
  const others = (await opened.keys(url, { ignoreSearch: true })).filter((request) => request.url !== url);
  await Promise.all(others.map((request) => opened.delete(request)));
}
