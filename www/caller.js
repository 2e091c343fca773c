// The page's end of a worker: each call is a promise.

/** @typedef {{ received: number, total: number }} Progress */

/**
 * A worker that comes over the network brings a content security policy of its own, which a plain host does not send. One
 * that the page itself makes has the page's.
 */
const script = URL.createObjectURL(
  new Blob([`import ${JSON.stringify(new URL("./worker.js", import.meta.url).href)};`], { type: "text/javascript" }),
);

const lossOf = ({ code, message }, wasUnderWay = false) => Object.assign(new Error(message), { code, wasUnderWay });

/** Whether a call failed only because its worker was lost. */
export const isLoss = ({ code }) => ["crash", "ended", "worker"].includes(code);

export class Caller {
  #worker;
  #onLost;
  #waiting = new Map();
  #calls = 0;
  /** What fails after the first answer is no failed start. */
  #hasAnswered = false;
  /** Why nothing will be answered any more. */
  #loss = null;

  /**
   * Starts a worker.
   * @param {string} name
   * @param {() => void} [onLost] called once the worker is lost, before any call fails for it
   */
  constructor(name, onLost = () => {}) {
    this.#onLost = onLost;
    this.#worker = new Worker(script, { type: "module", name });
    this.#worker.addEventListener("message", ({ data }) => this.#received(data));
    // A panic of Rust that waits for something settles no promise: it arrives here.
    this.#worker.addEventListener("error", () => (this.#hasAnswered ? this.#crashed() : this.#notStarted()));
  }

  /**
   * Calls a method of the worker's `Session`.
   * @param {string} method
   * @param {unknown[]} [given]
   * @param {(progress: Progress) => void} [onProgress]
   * @param {Transferable[]} [moved] what the page has no use for any more
   */
  ask(method, given = [], onProgress = undefined, moved = []) {
    return new Promise((resolve, reject) => {
      if (this.#loss) {
        reject(lossOf(this.#loss));
        return;
      }
      this.#calls += 1;
      this.#waiting.set(this.#calls, { resolve, reject, onProgress });
      this.#worker.postMessage({ call: this.#calls, method, arguments: given }, moved);
    });
  }

  /** Ends the worker unless it answers in so many milliseconds what it was asked before. */
  endIfStuck(milliseconds) {
    const asked = [...this.#waiting.keys()];
    setTimeout(() => asked.some((call) => this.#waiting.has(call)) && this.#crashed(), milliseconds);
  }

  /** Ends the worker: nothing more is wanted of it. */
  end() {
    this.#lost({ code: "ended", message: "The computation was ended." });
  }

  #crashed() {
    this.#lost({ code: "crash", message: "The computation stopped unexpectedly and was started anew." });
  }

  #notStarted() {
    this.#lost({ code: "worker", message: "The computing part of this page could not be started." });
  }

  /** Nothing that was asked will be answered. */
  #lost(loss) {
    if (this.#loss) {
      return;
    }
    this.#loss = loss;
    this.#worker.terminate();
    const left = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#onLost();
    // A worker does one thing after the other.
    left.forEach(({ reject }, index) => reject(lossOf(loss, index === 0)));
  }

  #received({ call, progress, result, error }) {
    if (this.#loss) {
      return;
    }
    if (error?.code === "worker") {
      this.#notStarted();
      return;
    }
    this.#hasAnswered = true;
    const { resolve, reject, onProgress } = this.#waiting.get(call) ?? {};
    if (progress) {
      onProgress?.(progress);
      return;
    }
    if (error?.code === "crash") {
      this.#crashed();
      return;
    }
    this.#waiting.delete(call);
    if (error) {
      reject?.(Object.assign(new Error(error.message), { code: error.code }));
    } else {
      resolve?.(result);
    }
  }
}
