// The page's end of the worker: each call is a promise.

/** @typedef {{ received: number, total: number }} Progress */

const waiting = new Map();
let calls = 0;
let worker = null;
/** Whether the present worker has answered: what fails later is no failed start. */
let hasAnswered = false;
/** Called where the worker was lost; the next call starts a new, empty one. */
let onLost = () => {};

/**
 * A worker that comes over the network brings a content security policy of its own, which a plain host does not send. One
 * that the page itself makes has the page's.
 */
const script = URL.createObjectURL(
  new Blob([`import ${JSON.stringify(new URL("./worker.js", import.meta.url).href)};`], { type: "text/javascript" }),
);

function start() {
  const started = new Worker(script, { type: "module", name: "ecgnet" });
  worker = started;
  hasAnswered = false;
  const ifCurrent = (work) => (event) => started === worker && work(event);
  started.addEventListener("message", ifCurrent(({ data }) => received(data)));
  // A panic of Rust that waits for something settles no promise: it arrives here.
  started.addEventListener("error", ifCurrent(() => (hasAnswered ? crashed() : notStarted())));
}

const crashed = () => lost("crash", "The computation stopped unexpectedly and was started anew.");

const notStarted = () => lost("worker", "The computing part of this page could not be started.");

/** Nothing that was asked will be answered. */
function lost(code, message) {
  worker.terminate();
  worker = null;
  const error = Object.assign(new Error(message), { code });
  const left = [...waiting.values()];
  waiting.clear();
  onLost();
  left.forEach(({ reject }) => reject(error));
}

function received({ call, progress, result, error }) {
  if (error?.code === "worker") {
    notStarted();
    return;
  }
  hasAnswered = true;
  const { resolve, reject, onProgress } = waiting.get(call) ?? {};
  if (progress) {
    onProgress?.(progress);
    return;
  }
  if (error?.code === "crash") {
    crashed();
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

/** Whether a call failed only because the worker was lost. */
export const isLoss = ({ code }) => code === "crash" || code === "worker";

/** Milliseconds after which nobody waits any more for what is not wanted any more. */
const STUCK = 5000;

/** Ends the worker unless it soon answers what it was asked before. */
export function endIfStuck() {
  const asked = [...waiting.keys()];
  setTimeout(() => asked.some((call) => waiting.has(call)) && crashed(), STUCK);
}

start();
