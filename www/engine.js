// The first worker: what it has read and estimated is what the page shows and saves.

import { Caller } from "./caller.js";

export { isLoss } from "./caller.js";

let worker = null;
/** Called where the worker was lost; the next call starts a new, empty one. */
let onLost = () => {};

/** The worker; once it is lost, its calls fail. */
export function first() {
  worker ??= new Caller("ecgnet", () => {
    worker = null;
    onLost();
  });
  return worker;
}

/** Calls a method of the worker's `Session`; see `Caller.ask`. */
export const ask = (...call) => first().ask(...call);

export function whenLost(work) {
  onLost = work;
}

/** Milliseconds after which nobody waits any more for what is not wanted any more. */
const STUCK = 5000;

/** Ends the worker unless it soon answers what it was asked before. */
export const endIfStuck = () => worker?.endIfStuck(STUCK);

first();
