// The page: takes files, has them read and estimated in turn, and shows what comes of it.

import { ask } from "./engine.js";
import { asNamedBytes, save, takeFiles } from "./files.js";
import { hide, isShown, show } from "./recording.js";
import { showTable } from "./table.js";

const element = (id) => document.getElementById(id);
const [network, progress] = [element("network"), element("progress")];

/** @type {{ reading: import("../pkg/ecgnet.js").Reading, estimate?: object, error?: { message: string } }[]} */
let recordings = [];
/** By name, from the manifest. */
let networks = new Map();
/** The name of the network that the worker has loaded. */
let loaded = null;
/** Work is done one after the other. */
let queue = Promise.resolve();

function status(text) {
  element("status").textContent = text;
}

function fail(error) {
  element("error").textContent = error?.message ?? "";
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

function refresh() {
  showTable(recordings, isShown, choose);
}

function choose(recording) {
  show(recording).catch(fail);
  refresh();
  element("recording").scrollIntoView({ block: "start" });
}

async function loadNetwork() {
  const wanted = networks.get(network.value);
  if (!wanted || wanted.name === loaded) {
    return;
  }
  status(`Loading ${wanted.label} …`);
  progress.hidden = false;
  progress.removeAttribute("value");
  try {
    await ask("load", wanted.files, ({ received, total }) => {
      progress.max = total;
      progress.value = received;
    });
    loaded = wanted.name;
  } finally {
    progress.hidden = true;
  }
}

/** Estimates every recording that has no estimate of the chosen network yet. */
async function estimateAll() {
  const open = recordings.filter(({ reading, estimate }) => !reading.error && estimate?.network !== network.value);
  if (open.length === 0 || networks.size === 0) {
    status("");
    return;
  }
  await loadNetwork();
  for (const [number, recording] of open.entries()) {
    status(open.length > 1 ? `Estimating ${number + 1} of ${open.length} …` : "Estimating …");
    try {
      recording.estimate = await ask("estimate", recording.reading.id);
      recording.error = undefined;
    } catch (error) {
      recording.estimate = undefined;
      recording.error = error;
    }
    if (isShown(recording)) {
      await show(recording);
    }
    refresh();
  }
  status("");
}

async function add(readings) {
  const added = readings.map((reading) => ({ reading, error: reading.error }));
  recordings.push(...added);
  const first = added.find(({ error }) => !error) ?? added[0];
  if (first) {
    document.body.classList.add("in-use");
    await show(first);
  }
  refresh();
}

function open(folders) {
  then(async () => {
    fail(null);
    status("Reading …");
    for (const files of folders) {
      await add(await ask("read", await asNamedBytes(files)));
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

function clear() {
  then(async () => {
    await ask("clear");
    recordings = [];
    hide();
    refresh();
    fail(null);
    document.body.classList.remove("in-use");
    element("files").focus();
  });
}

async function listFormats() {
  const formats = await ask("formats");
  element("files").accept = formats.flatMap(({ endings }) => endings).join(",");
  const item = ({ name, endings }) =>
    Object.assign(document.createElement("li"), { textContent: `${name} ${endings.join(" ")}` });
  element("formats").replaceChildren(...formats.map(item));
}

async function listNetworks() {
  const manifest = await ask("networks");
  networks = new Map(manifest.networks.map((entry) => [entry.name, entry]));
  network.replaceChildren(...manifest.networks.map(({ name, label }) => new Option(label, name)));
  network.value = manifest.default;
  network.disabled = false;
}

takeFiles(element("drop"), element("files"), open);
element("sample").addEventListener("click", trySample);
network.addEventListener("change", () => then(estimateAll));
element("csv").addEventListener("click", () => then(async () => save("ecgnet.csv", "text/csv", await ask("csv"))));
element("json").addEventListener("click", () =>
  then(async () => save("ecgnet.json", "application/json", await ask("json"))),
);
element("clear").addEventListener("click", clear);

then(listFormats);
then(listNetworks);
