// The page: takes files, has them read and estimated in turn, and shows what comes of it.

import { showCard } from "./card.js";
import { element, made, say } from "./dom.js";
import { ask, endIfStuck, whenLost } from "./engine.js";
import { asNamedBytes, save, takeFiles, tooLarge } from "./files.js";
import { isOutdated, keepForOffline } from "./offline.js";
import { endHelpers, estimateEach } from "./pool.js";
import { drawAfter, hide, isShown, show, showCorrectionError, theShown } from "./recording.js";
import * as table from "./table.js";

const [network, device] = [element("network"), element("device")];

/**
 * @typedef {object} Recording
 * @property {import("../pkg/ecgnet.js").Reading} reading
 * @property {import("../pkg/ecgnet.js").Estimate} [estimate]
 * @property {string} [estimated] the network and the choice of device that the worker holds an estimate of
 * @property {{ code?: string, message: string }} [error]
 * @property {import("./files.js").Found[]} [source] the files that it came with; a sample has none
 * @property {import("../pkg/ecgnet.js").Corrections} [corrections]
 */

/** @type {Recording[]} A new list once it is cleared: what was begun for another list is not for this one. */
let recordings = [];
let networks = [];
/** The network and the choice of device that the worker has loaded. */
let loaded = null;
/** The load that is under way. */
let loading = null;
/** Counts what was chosen: estimates that are no more wanted are left. */
let generation = 0;
/** Work is done one after the other. */
let queue = Promise.resolve();
/** Whether the worker was lost, and with it what it had read. */
let isLost = false;
/** The reading anew that is under way. */
let restoring = null;
/** Why the processor computes although something else was chosen. */
let fellBack = "";

/** How often something else may stop the estimates on the processor: a tracing that does is tried twice. */
const INTERRUPTIONS = 2;

const FELL_BACK = "The computation stopped unexpectedly. The processor computes instead.";
/** No recording of the worker has it. */
const NOWHERE = 2 ** 32 - 1;

const chosen = () => [network.value, device.value];

/** What a screen reader says as well: how work begins and ends. */
const status = (text) => (element("status").textContent = text);

function fail(error) {
  element("error-text").textContent = error?.message ?? "";
  element("error").hidden = !error;
}

/** Does something after everything before it; what fails is shown. */
function then(work) {
  const afterRestored = async () => {
    await restored();
    await work();
  };
  queue = queue.then(afterRestored).catch((error) => {
    status("");
    fail(error);
  });
  queue = queue.then(() => say("count", ""));
  return queue;
}

async function readFiles(method, before, source, after = []) {
  const files = await asNamedBytes(source);
  return ask(method, [...before, files, ...after], undefined, files.map(({ bytes }) => bytes.buffer));
}

/** Waits until the worker holds what it had read, should it have been lost. */
function restored() {
  if (isLost && isOutdated()) {
    // What would be started is the new version's, which this page does not know.
    return Promise.reject(new Error("The computation stopped, and a new version of this page is in use: please load it."));
  }
  if (isLost) {
    restoring ??= restore().finally(() => (restoring = null));
  }
  return restoring ?? Promise.resolve();
}

/** Has the worker read everything again that a lost one had read. Its estimates are gone with it. */
async function restore() {
  loaded = null;
  const all = recordings;
  for (const recording of all) {
    // What has stopped the processor would do so again.
    if (recording.error?.code !== "crash") {
      recording.estimated = undefined;
    }
  }
  for (const source of new Set(all.map(({ source }) => source))) {
    const cameWithIt = all.filter((each) => each.source === source);
    try {
      const samples = async () => (await Promise.all(cameWithIt.map(() => ask("sample")))).flat();
      const readings = source ? await readFiles("read", [], source) : await samples();
      for (const recording of cameWithIt) {
        const index = readings.findIndex(({ file }) => file === recording.reading.file);
        if (index < 0) {
          lose(recording, new Error("The file has changed: open it again."));
          continue;
        }
        [recording.reading] = readings.splice(index, 1);
        if (recording.corrections) {
          recording.reading = await readFiles("correct", [recording.reading.id], source, [recording.corrections]);
        }
      }
    } catch (error) {
      if (error.code) {
        throw error;
      }
      // The files were moved or changed since.
      cameWithIt.forEach((recording) => lose(recording, error));
    }
  }
  for (const { reading, estimated, error } of all) {
    if (error?.code === "crash" && estimated) {
      await ask("stopped", [reading.id, estimated.split(" ")[0], error.message]);
    }
  }
  isLost = false;
}

/** What cannot be read again is no recording any more. */
function lose(recording, error) {
  recording.reading = { ...recording.reading, id: NOWHERE, error };
  Object.assign(recording, { error, estimate: undefined });
  table.update(recording);
}

function showProgress({ received, total }) {
  const inMegabytes = (bytes) => (bytes / 1e6).toFixed(1);
  [element("progress").max, element("progress").value] = [total, received];
  element("megabytes").textContent = `${inMegabytes(received)} of ${inMegabytes(total)} MB`;
}

function startLoading(name, choice) {
  loaded = null;
  element("progress").removeAttribute("value");
  element("megabytes").textContent = "";
  const opened = async () => {
    await ask("load", [name, choice], showProgress);
    loaded = { name, choice };
  };
  loading = opened().finally(() => (loading = null));
  return loading;
}

const isLoaded = (name, choice) => loaded?.name === name && loaded.choice === choice;

async function load(name, choice) {
  if (isLoaded(name, choice)) {
    return;
  }
  const { label } = networks.find((each) => each.name === name);
  say("count", `Loading ${label} …`);
  element("loading").hidden = false;
  try {
    // What was fetched beforehand may be what is wanted; why it could not be, is found out again.
    await loading?.catch(() => {});
    await restored();
    if (!isLoaded(name, choice)) {
      await startLoading(name, choice);
    }
  } finally {
    element("loading").hidden = true;
    say("count", "");
  }
}

/**
 * Loads the network that will be wanted, so that the first estimate takes no longer than the next, and that the page works
 * offline from now on.
 */
function loadBeforehand() {
  if (networks.length > 0 && !loaded && !loading) {
    // Nobody waits for it: who wants an estimate is told what is wrong.
    startLoading(...chosen()).catch(() => {});
  }
}

async function showAnew(recording) {
  table.update(recording);
  if (isShown(recording)) {
    await show(recording);
  }
}

/** The recordings that have no estimate of the chosen network and device yet. */
const open = () => recordings.filter(({ reading, estimated }) => !reading.error && estimated !== chosen().join(" "));

/** Estimates every open recording, until something else is chosen. */
async function estimateAll() {
  const mine = generation;
  const isWanted = () => mine === generation;
  let left = open();
  const wanted = left.length;
  const [first] = left;
  if (wanted === 0 || networks.length === 0) {
    status("");
    return;
  }
  status(wanted > 1 ? `Estimating ${wanted} recordings …` : "Estimating …");
  let interruptions = 0;
  let computer;
  while (left.length > 0) {
    const [name, choice] = chosen();
    const byId = new Map(left.map((recording) => [recording.reading.id, recording]));
    let number = 1;
    const count = () => say("count", byId.size > 1 ? `${Math.min(number, byId.size)} of ${byId.size}` : "");
    const onDone = async (id, { estimate, error }) => {
      const recording = byId.get(id);
      Object.assign(recording, { estimate, error, estimated: `${name} ${choice}` });
      await showAnew(recording);
      if (!isWanted()) {
        return;
      }
      number += 1;
      count();
      if (estimate && estimate.device !== computer) {
        computer = estimate.device;
        say("device-remark", fellBack || (await ask("device")).remark);
      }
    };
    try {
      await load(name, choice);
      if (isWanted()) {
        count();
        await estimateEach([...byId.keys()], isWanted, onDone);
      }
      left = [];
    } catch (error) {
      if (!isWanted()) {
        return;
      }
      if (error.code !== "crash") {
        throw error;
      }
      const culprit = byId.get(error.culprit);
      if (choice !== "cpu") {
        // Once more, on the processor: it may have been the graphics card.
        device.value = "cpu";
        fellBack = FELL_BACK;
        computer = undefined;
      } else if (culprit) {
        Object.assign(culprit, { estimate: undefined, error, estimated: `${name} ${choice}` });
        await showAnew(culprit);
      } else if (++interruptions > INTERRUPTIONS) {
        throw error;
      }
      await restored();
      // Every estimate is wanted again: the lost worker had them for the files that are saved.
      left = open();
    }
    if (!isWanted()) {
      return;
    }
  }
  table.sortAgain();
  const { age, sex } = (wanted === 1 && first.estimate) || {};
  status(wanted > 1 ? `${wanted} recordings estimated.` : said(age, sex));
}

/** What a screen reader says once there is an estimate. */
function said(age, sex) {
  const words = [age?.text, sex && `${sex.text.toLowerCase()} with a probability of ${sex.probability}`];
  const estimates = words.filter(Boolean).join(", ");
  return estimates && `Estimated: ${estimates}.`;
}

/** Adds recordings; shows the first of them where `toShow`. */
async function add(readings, source, toShow = true) {
  const added = readings.map((reading) => ({ reading, error: reading.error, source }));
  const first = added.find(({ error }) => !error) ?? added[0];
  if (!first) {
    return;
  }
  const list = recordings;
  list.push(...added);
  document.body.classList.add("in-use");
  await table.add(added, choose);
  if (toShow && list === recordings) {
    await show(first);
  }
  table.markRow(theShown());
}

function openFiles(folders) {
  const list = recordings;
  then(async () => {
    if (list !== recordings) {
      return;
    }
    fail(null);
    const before = list.length;
    const problems = [];
    const number = folders.flat().length;
    status(number > 1 ? `Reading ${number} files …` : "Reading …");
    for (const [index, folder] of folders.entries()) {
      say("count", folders.length > 1 ? `${index + 1} of ${folders.length} folders` : "");
      const passedOver = tooLarge(folder);
      problems.push(...passedOver.map(({ path }) => `${path} is larger than 512 MiB and was passed over.`));
      const source = folder.filter((each) => !passedOver.includes(each));
      try {
        await restored();
        const readings = source.length > 0 ? await readFiles("read", [], source) : [];
        if (list !== recordings) {
          return;
        }
        await add(readings, source, list.length === before);
      } catch (error) {
        problems.push(error.message);
      }
      if (list !== recordings) {
        return;
      }
    }
    if (problems.length > 0 || list.length === before) {
      fail(new Error(problems.join(" ") || "There is no ECG among these files."));
    }
    await estimateAll();
  });
}

function trySample() {
  const list = recordings;
  then(async () => {
    if (list !== recordings) {
      return;
    }
    fail(null);
    const readings = await ask("sample");
    if (list === recordings) {
      await add(readings);
      await estimateAll();
    }
  });
}

function choose(recording) {
  table.markRow(recording);
  show(recording).catch(fail);
  element("recording-title").focus({ preventScroll: true });
  element("recording").scrollIntoView({ block: "start" });
}

/** Reads a recording as the form states it. */
async function correct(recording, corrections) {
  const failed = (error) => isShown(recording) && showCorrectionError(error);
  if (!recordings.includes(recording)) {
    return;
  }
  try {
    const { id } = recording.reading;
    recording.reading = await readFiles("correct", [id], recording.source, [corrections]);
  } catch (error) {
    failed(error);
    return;
  }
  failed(recording.reading.error);
  Object.assign(recording, { corrections, error: recording.reading.error, estimate: undefined, estimated: undefined });
  table.update(recording);
  if (isShown(recording)) {
    await show(recording, true);
  }
  await estimateAll();
}

/** What every network says of a recording, as long as it is on show. */
async function compareAll(recording, choice) {
  let by = choice;
  const estimateBy = async (name) => {
    await restored();
    await load(name, by);
    return ask("estimate", [recording.reading.id]);
  };
  const estimateSurely = async (name) => {
    try {
      return await estimateBy(name);
    } catch (error) {
      if (error.code !== "crash" || by === "cpu") {
        throw error;
      }
      // It may have been the graphics card.
      by = "cpu";
      return estimateBy(name);
    }
  };
  if (!isShown(recording)) {
    return;
  }
  const rows = element("networks");
  rows.replaceChildren();
  rows.closest(".table-frame").hidden = false;
  status(`Comparing ${networks.length} networks …`);
  for (const { name } of networks) {
    const head = made("th", name);
    head.scope = "row";
    const row = made("tr", head, made("td", "…"));
    rows.append(row);
    try {
      const { age, sex, device: computer, milliseconds } = await estimateSurely(name);
      const cells = [
        age?.text ?? "",
        age?.range ?? "",
        sex ? `${sex.text}, ${sex.probability}` : "",
        `${computer}, ${Math.round(milliseconds)} ms`,
      ];
      row.replaceChildren(head, ...cells.map((text) => made("td", text)));
    } catch (error) {
      const failed = made("td", error.message);
      failed.colSpan = 4;
      row.replaceChildren(head, failed);
    }
    if (!isShown(recording)) {
      status("");
      return;
    }
  }
  status(`${networks.length} networks compared.`);
}

/** At once for who looks on; what is under way ends at its next step. */
function clear() {
  generation += 1;
  endHelpers();
  recordings = [];
  hide();
  table.empty();
  fail(null);
  status("");
  say("count", "");
  document.body.classList.remove("in-use");
  element("files").focus();
  then(() => ask("clear"));
}

async function listFormats() {
  const formats = await ask("formats");
  element("formats").replaceChildren(...formats.map(({ name, endings }) => made("li", `${name} `, made("small", endings.join(" ")))));
}

async function listNetworks() {
  const manifest = await ask("networks");
  networks = manifest.networks;
  network.replaceChildren(...networks.map(({ name, label }) => new Option(label, name)));
  network.value = manifest.default;
  network.disabled = false;
  showCard(networks);
}

function exported(method, name, type) {
  const withStated = element("with-stated").checked;
  const of = network.value;
  then(async () => {
    // A worker that was lost took its estimates with it.
    if (recordings.some(({ reading, estimated }) => !reading.error && !estimated)) {
      await estimateAll().catch(fail);
    }
    save(name, type, await ask(method, [of, withStated]));
  });
}

function chooseAnew() {
  generation += 1;
  endHelpers();
  if (device.value === "cpu") {
    // A graphics card may hang.
    endIfStuck();
  }
  fellBack = "";
  then(estimateAll);
}

function correctShown() {
  const recording = theShown();
  const corrections = Object.fromEntries(new FormData(element("corrections")));
  then(() => correct(recording, corrections));
}

takeFiles(element("drop"), [element("files"), element("folder")], openFiles, fail);
whenLost(() => {
  isLost = true;
  // What it loads next may be newer weights.
  endHelpers();
});
drawAfter(restored);
element("sample").addEventListener("click", trySample);
network.addEventListener("change", chooseAnew);
device.addEventListener("change", chooseAnew);
element("compare").addEventListener("click", () => {
  const [recording, choice] = [theShown(), device.value];
  then(() => compareAll(recording, choice));
});
element("csv").addEventListener("click", () => exported("csv", "ecgnet.csv", "text/csv"));
element("json").addEventListener("click", () => exported("json", "ecgnet.json", "application/json"));
element("clear").addEventListener("click", clear);
element("corrections").addEventListener("submit", (event) => {
  event.preventDefault();
  correctShown();
});
element("as-stated").addEventListener("click", () => {
  element("corrections").reset();
  correctShown();
});
element("retry").addEventListener("click", () => {
  then(async () => {
    fail(null);
    if (!element("formats").hasChildNodes()) {
      await listFormats();
    }
    if (networks.length === 0) {
      await listNetworks();
    }
    await estimateAll();
  });
});

then(listFormats);
then(listNetworks);
keepForOffline(() => then(loadBeforehand));
