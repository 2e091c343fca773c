// The page's end of the worker: each call is a promise.

/** @typedef {{ received: number, total: number }} Progress */

const waiting = new Map();
let calls = 0;
let worker = null;
/** Called where the worker was lost; the next call starts a new, empty one. */
let onLost = () => {};

function start() {
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "ecgnet" });
  worker.addEventListener("message", ({ data }) => received(data));
  worker.addEventListener("error", () => lost("worker", "The computing part of this page could not be started.", false));
}

/** Nothing that was asked will be answered. */
function lost(code, message, again) {
  worker.terminate();
  worker = null;
  const error = Object.assign(new Error(message), { code });
  const left = [...waiting.values()];
  waiting.clear();
  if (again) {
    onLost();
  }
  left.forEach(({ reject }) => reject(error));
}

function received({ call, progress, result, error }) {
  const { resolve, reject, onProgress } = waiting.get(call) ?? {};
  if (progress) {
    onProgress?.(progress);
    return;
  }
  if (error?.code === "crash") {
    lost("crash", "The computation stopped unexpectedly and was started anew.", true);
    return;
  }
  waiting.delete(call);
  if (error) {
    reject?.(Object.assign(new Error(error.message), { code: error.code }));
  } else {
    resolve?.(result);
  }
}

/**
 * Calls a method of the worker's `Session`.
 * @param {string} method
 * @param {unknown[]} [given]
 * @param {(progress: Progress) => void} [onProgress]
 * @param {Transferable[]} [moved] what the page has no use for any more
 */
export function ask(method, given = [], onProgress = undefined, moved = []) {
  return new Promise((resolve, reject) => {
    if (!worker) {
      start();
    }
    calls += 1;
    waiting.set(calls, { resolve, reject, onProgress });
    worker.postMessage({ call: calls, method, arguments: given }, moved);
  });
}

export function whenLost(work) {
  onLost = work;
}

start();
