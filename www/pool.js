// Shares estimates on the processor out among workers: the first prepares recordings and concludes, helpers compute what
// lies between. How many are worth it, and who computes what, is said in src/web/pool.rs.

import { Caller, isLoss } from "./caller.js";
import { first } from "./engine.js";
import { isOutdated } from "./offline.js";

/** Milliseconds after which helpers that have nothing to do give their memory back. */
const IDLE = 60_000;

/** Why the first worker is to estimate a recording. */
const HELPER_LOST = new Error("A helper was lost.");

/** @type {Set<Caller>} All that were started. */
const helpers = new Set();
/** Those of them that have loaded the network. */
const ready = new Set();
/** Whether one could not help: till all are ended no other is asked to. */
let isRefused = false;
/** In how many branches a recording can be shared out among helpers. */
let branches = 1;
/** Gives a helper that has become ready something to do. */
let employ = () => {};
let idle;

/** Ends all helpers, whatever they are doing. */
export function endHelpers() {
  clearTimeout(idle);
  isRefused = false;
  [...helpers].forEach((helper) => helper.end());
}

function refuse(helper, { code }) {
  // One that was ended was not wanted any more.
  isRefused ||= code !== "ended";
  helper.end();
}

async function start({ network, manifest }) {
  const helper = new Caller("ecgnet helper", () => [helpers, ready].forEach((all) => all.delete(helper)));
  helpers.add(helper);
  try {
    await helper.ask("help", [network, manifest]);
    ready.add(helper);
    employ(helper);
  } catch (error) {
    refuse(helper, error);
  }
}

/** Starts the helpers that are worth it where so many recordings wait. */
async function findHelp(worker, waiting, isWanted) {
  const wanted = await worker.ask("helpers", [waiting]);
  branches = wanted.branches;
  // What would be started after a new version was taken is not this page's.
  while (isWanted() && !isRefused && !isOutdated() && helpers.size < wanted.count) {
    start(wanted);
  }
}

/** What a helper finds in a prepared recording; what goes wrong with the helper says nothing of the recording. */
async function foundBy(helper, input, share) {
  try {
    return await helper.ask("features", [input, share]);
  } catch (error) {
    refuse(helper, error);
    throw HELPER_LOST;
  }
}

/** What is found in all shares, and in how many milliseconds. */
async function timed(finding) {
  const start = performance.now();
  const found = await Promise.all(finding);
  return [found.flat(), performance.now() - start];
}

/** Estimates one recording by all workers that are ready, each with some of the network's branches. */
async function estimatedByAll(worker, id) {
  if (branches === 1 || ready.size === 0) {
    return worker.ask("estimate", [id]);
  }
  const others = [...ready];
  const { input, shares: [mine, ...theirs] } = await worker.ask("prepare", [id, 1 + others.length]);
  const finding = [worker.ask("features", [input, mine]), ...theirs.map((share, at) => foundBy(others[at], input, share))];
  try {
    return await worker.ask("conclude", [id, ...(await timed(finding))]);
  } catch (error) {
    if (error !== HELPER_LOST) {
      throw error;
    }
    return worker.ask("estimate", [id]);
  }
}

/**
 * Estimates recordings. What goes wrong with one is its outcome; rejects where the first worker is lost, and then says
 * with which recording (`culprit`), if it was one.
 * @param {number[]} ids what the worker calls the recordings
 * @param {() => boolean} isWanted whether to go on
 * @param {(id: number, outcome: { estimate?: object, error?: Error }) => Promise<void>} onDone called for each
 */
export async function estimateEach(ids, isWanted, onDone) {
  const worker = first();
  const waiting = [...ids];
  /** What helpers were lost with: one recording is not to end all of them. */
  const forFirst = [];
  let failure = null;
  const isOn = () => !failure && isWanted();
  const next = (list = waiting) => (isOn() ? list.shift() : undefined);
  const nextForFirst = () => next(forFirst) ?? next();

  const fail = (error, id) => {
    if (!failure || error.wasUnderWay) {
      failure = Object.assign(error, { culprit: error.wasUnderWay ? id : undefined });
    }
  };
  const tasks = [];
  const begin = (task) => tasks.push(task.catch(fail));

  const finish = async (id, estimating) => {
    let outcome;
    try {
      outcome = { estimate: await estimating };
    } catch (error) {
      if (error === HELPER_LOST) {
        forFirst.push(id);
        return;
      }
      if (isLoss(error)) {
        fail(error, id);
        return;
      }
      outcome = { error };
    }
    await onDone(id, outcome);
  };

  const byFirst = async () => {
    for (let id = nextForFirst(); id !== undefined; id = nextForFirst()) {
      await finish(id, ids.length === 1 ? estimatedByAll(worker, id) : worker.ask("estimate", [id]));
      // Nobody waits for it: should the worker be lost, the next estimate says so.
      findHelp(worker, waiting.length, isOn).catch(() => {});
    }
  };

  const prepareNext = () => {
    const id = next();
    if (id === undefined) {
      return undefined;
    }
    const preparing = worker.ask("prepare", [id, 1]);
    // Nobody may wait for it any more.
    preparing.catch((error) => isLoss(error) && fail(error, id));
    return { id, preparing };
  };

  const byHelper = async (helper) => {
    let coming = prepareNext();
    while (coming && ready.has(helper)) {
      const { id, preparing } = coming;
      coming = undefined;
      const finding = preparing.then(({ input, shares }) => {
        // The helper is to wait neither for the next recording nor for what is concluded of this one.
        coming = prepareNext();
        return timed(shares.map((share) => foundBy(helper, input, share)));
      });
      begin(finish(id, finding.then((found) => worker.ask("conclude", [id, ...found]))));
      await finding.catch(() => {});
      coming ??= prepareNext();
    }
    if (coming) {
      waiting.unshift(coming.id);
    }
  };

  clearTimeout(idle);
  employ = (helper) => begin(byHelper(helper));
  if (ids.length > 1) {
    ready.forEach(employ);
  }
  do {
    // Once more where helpers were lost after the first worker had nothing left to do.
    begin(byFirst());
    for (const task of tasks) {
      await task;
    }
  } while (isOn() && forFirst.length + waiting.length > 0);
  employ = () => {};
  idle = setTimeout(endHelpers, IDLE);
  if (failure) {
    throw failure;
  }
}
