// The page's end of the worker: each call is a promise.

/** @typedef {{ received: number, total: number }} Progress */

const waiting = new Map();
let calls = 0;
/** Set once nothing can be computed any more. */
let ended = null;

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "ecgnet" });

function end(message, code) {
  ended = Object.assign(new Error(message), { code });
  waiting.forEach(({ reject }) => reject(ended));
  waiting.clear();
}

worker.addEventListener("message", ({ data: { call, progress, result, error } }) => {
  const { resolve, reject, onProgress } = waiting.get(call) ?? {};
  if (progress) {
    onProgress?.(progress);
    return;
  }
  if (error?.code === "crash") {
    end("The computation has stopped unexpectedly. Please reload the page.", error.code);
    return;
  }
  waiting.delete(call);
  if (error) {
    reject?.(Object.assign(new Error(error.message), { code: error.code }));
  } else {
    resolve?.(result);
  }
});

worker.addEventListener("error", () => end("The computing part of this page could not be started.", "worker"));

/**
 * Asks the worker for something; see `actions` there.
 * @param {string} action
 * @param {unknown} [argument]
 * @param {(progress: Progress) => void} [onProgress]
 */
export function ask(action, argument, onProgress) {
  return new Promise((resolve, reject) => {
    if (ended) {
      reject(ended);
      return;
    }
    calls += 1;
    waiting.set(calls, { resolve, reject, onProgress });
    worker.postMessage({ call: calls, action, argument });
  });
}
