// What weights need of the browser: to fetch and to keep. When and how often is decided in weights.rs.

const CACHE = "ecgnet-weights";

/** So long, in milliseconds, a connection may bring nothing. */
const PATIENCE = 30_000;

const cache = async () => globalThis.caches?.open(CACHE);

/** A file that comes in parts. */
class Parts {
  #reader;
  #abortion;
  #keeping;

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
    const giveUp = () => this.#abortion?.abort(new Error(`nothing came for ${PATIENCE / 1000} seconds`));
    const patience = setTimeout(giveUp, PATIENCE);
    try {
      return (await this.#reader.read()).value;
    } finally {
      clearTimeout(patience);
    }
  }

  /** Wants no more of it. */
  end() {
    this.#abortion?.abort();
    this.#reader.cancel().catch(() => {});
  }

  /** Waits until what has come is kept; whether it is. */
  async isKept() {
    return (await this.#keeping) ?? false;
  }
}

/**
 * A file from its server, which is kept at `keepAt` for the next visit while it comes.
 * Rejects where the server cannot be reached.
 */
export async function fetched(address, keepAt = undefined) {
  const abortion = new AbortController();
  const giveUp = () => abortion.abort(new Error(`nothing came for ${PATIENCE / 1000} seconds`));
  const patience = setTimeout(giveUp, PATIENCE);
  try {
    const response = await fetch(address, { cache: "no-cache", credentials: "same-origin", signal: abortion.signal });
    const isKept = keepAt && response.ok;
    const keeping = isKept && keepStream(keepAt, new Response(response.clone().body));
    return new Parts(response, abortion, keeping);
  } finally {
    clearTimeout(patience);
  }
}

/** Whether a browser that keeps anything has kept it whole. */
const keepStream = async (address, response) => {
  try {
    await (await cache())?.put(address, response);
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

/** Forgets what was kept at an address but for its query; `except` stays, if it is given. */
export async function forget(address, except = undefined) {
  const opened = await cache();
  for (const request of (await opened?.keys(address, { ignoreSearch: true })) ?? []) {
    if (request.url !== except) {
      await opened.delete(request);
    }
  }
}
