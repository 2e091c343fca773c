// The page: takes files, has them read and estimated in turn, and shows what comes of it.

import { showCard } from "./card.js";
import { element, made, say } from "./dom.js";
import { ask, whenLost } from "./engine.js";
import { asNamedBytes, save, takeFiles } from "./files.js";
import { keepForOffline } from "./offline.js";
import { hide, isShown, show, theShown } from "./recording.js";
import * as table from "./table.js";

const [network, device] = [element("network"), element("device")];

/**
 * @typedef {object} Recording
 * @property {import("../pkg/ecgnet.js").Reading} reading
 * @property {import("../pkg/ecgnet.js").Estimate} [estimate]
 * @property {{ message: string }} [error]
 * @property {import("./files.js").Found[]} [source] the files that it came with; a sample has none
 * @property {import("../pkg/ecgnet.js").Corrections} [corrections]
 */

/** @type {Recording[]} */
let recordings = [];
let networks = [];
/** The network and the choice of device that the worker has loaded. */
let loaded = null;
/** Work is done one after the other. */
let queue = Promise.resolve();
/** Whether the worker was lost, and with it what it had read. */
let isLost = false;

const status = (text) => (element("status").textContent = text);

function fail(error) {
  element("error-text").textContent = error?.message ?? "";
  element("error").hidden = !error;
}

/** Does something after everything before it; what fails is shown. */
function then(work) {
  queue = queue.then(work).catch((error) => {
    status("");
    fail(error);
  });
  return queue;
}

async function readFiles(method, before, source, after = []) {
  const files = await asNamedBytes(source);
  return ask(method, [...before, files, ...after], undefined, files.map(({ bytes }) => bytes.buffer));
}

/** Has the worker read everything again that a lost one had read. */
async function restore() {
  isLost = false;
  loaded = null;
  const all = recordings;
  for (const source of new Set(all.map(({ source }) => source))) {
    const readings = source ? await readFiles("read", [], source) : await ask("sample");
    for (const recording of all.filter((each) => each.source === source)) {
      const found = readings.find(({ file }) => file === recording.reading.file);
      recording.reading = found ?? recording.reading;
      if (found && recording.corrections) {
        recording.reading = await readFiles("correct", [found.id], source, [recording.corrections]);
      }
    }
  }
}

async function load(name, choice) {
  if (loaded?.name === name && loaded.choice === choice) {
    return;
  }
  loaded = null;
  const { label } = networks.find((each) => each.name === name);
  status(`Loading ${label} …`);
  const [bar, megabytes] = [element("progress"), element("megabytes")];
  bar.removeAttribute("value");
  megabytes.textContent = "";
  element("loading").hidden = false;
  const inMegabytes = (bytes) => (bytes / 1e6).toFixed(1);
  try {
    const opened = await ask("load", [name, choice], ({ received, total }) => {
      [bar.max, bar.value] = [total, received];
      megabytes.textContent = `${inMegabytes(received)} of ${inMegabytes(total)} MB`;
    });
    loaded = { name, choice };
    say("device-remark", opened.remark);
  } finally {
    element("loading").hidden = true;
  }
}

/** Estimates a recording; what goes wrong with it is its own error. */
async function estimate(recording) {
  try {
    recording.estimate = await ask("estimate", [recording.reading.id]);
    recording.error = undefined;
  } catch (error) {
    recording.estimate = undefined;
    recording.error = error;
  }
  table.update(recording);
  if (isShown(recording)) {
    await show(recording);
  }
}

/** Estimates every recording that has no estimate of the chosen network and device yet. */
async function estimateAll() {
  const wanted = `${network.value} ${device.value}`;
  const open = recordings.filter(({ reading, estimated }) => !reading.error && estimated !== wanted);
  if (open.length === 0 || networks.length === 0) {
    status("");
    return;
  }
  for (const [number, recording] of open.entries()) {
    if (isLost) {
      await restore();
    }
    await load(network.value, device.value);
    status(open.length > 1 ? `Estimating ${number + 1} of ${open.length} …` : "Estimating …");
    await estimate(recording);
    if (recording.error?.code === "crash") {
      // Once more, on the processor: it may have been the graphics card.
      device.value = "cpu";
      await restore();
      await load(network.value, device.value);
      await estimate(recording);
    }
    recording.estimated = `${network.value} ${device.value}`;
  }
  say("device-remark", (await ask("device")).remark);
  table.sortAgain();
  const { age, sex } = (open.length === 1 && open[0].estimate) || {};
  status(open.length > 1 ? `${open.length} recordings estimated.` : said(age, sex));
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
  recordings.push(...added);
  document.body.classList.add("in-use");
  if (toShow) {
    await show(first);
  }
  await table.add(added, choose);
  table.markRow(theShown());
}

function open(folders) {
  then(async () => {
    fail(null);
    const before = recordings.length;
    for (const source of folders) {
      status(source.length > 1 ? `Reading ${source.length} files …` : "Reading …");
      await add(await readFiles("read", [], source), source, recordings.length === before);
    }
    if (recordings.length === before) {
      throw new Error("There is no ECG among these files.");
    }
    await estimateAll();
  });
}

function trySample() {
  then(async () => {
    fail(null);
    await add(await ask("sample"));
    await estimateAll();
  });
}

function choose(recording) {
  table.markRow(recording);
  show(recording).catch(fail);
  element("recording-title").focus({ preventScroll: true });
  element("recording").scrollIntoView({ block: "start" });
}

/** Reads the recording on show as the form states it. */
async function correct(corrections) {
  const recording = theShown();
  try {
    const { id } = recording.reading;
    recording.reading = await readFiles("correct", [id], recording.source, [corrections]);
  } catch (error) {
    say("corrections-error", error.message);
    return;
  }
  say("corrections-error", recording.reading.error?.message);
  Object.assign(recording, { corrections, error: recording.reading.error, estimate: undefined, estimated: undefined });
  table.update(recording);
  await show(recording, true);
  await estimateAll();
}

/** What every network says of the recording on show. */
async function compareAll() {
  const recording = theShown();
  const rows = element("networks");
  rows.replaceChildren();
  rows.closest(".table-frame").hidden = false;
  for (const { name } of networks) {
    const head = made("th", name);
    head.scope = "row";
    const row = made("tr", head, made("td", "…"));
    rows.append(row);
    try {
      await load(name, device.value);
      status(`Estimating with ${name} …`);
      const { age, sex, device: computer, milliseconds } = await ask("estimate", [recording.reading.id]);
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
  }
  status(`${networks.length} networks compared.`);
}

function clear() {
  then(async () => {
    await ask("clear");
    recordings = [];
    hide();
    table.empty();
    fail(null);
    status("");
    document.body.classList.remove("in-use");
    element("files").focus();
  });
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
  then(async () => save(name, type, await ask(method, [network.value, withStated])));
}

takeFiles(element("drop"), [element("files"), element("folder")], open);
whenLost(() => (isLost = true));
element("sample").addEventListener("click", trySample);
network.addEventListener("change", () => then(estimateAll));
device.addEventListener("change", () => then(estimateAll));
element("compare").addEventListener("click", () => then(compareAll));
element("csv").addEventListener("click", () => exported("csv", "ecgnet.csv", "text/csv"));
element("json").addEventListener("click", () => exported("json", "ecgnet.json", "application/json"));
element("clear").addEventListener("click", clear);
element("corrections").addEventListener("submit", (event) => {
  event.preventDefault();
  const corrections = Object.fromEntries(new FormData(event.target));
  then(() => correct(corrections));
});
element("as-stated").addEventListener("click", () => {
  element("corrections").reset();
  then(() => correct(Object.fromEntries(new FormData(element("corrections")))));
});
element("retry").addEventListener("click", () => {
  then(async () => {
    fail(null);
    if (networks.length === 0) {
      await listNetworks();
    }
    await estimateAll();
  });
});

then(listFormats);
then(listNetworks);
keepForOffline();
