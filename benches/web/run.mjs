// Times ECGNet, onnxruntime-web and TensorFlow.js in a browser: `make bench-web`.
//
// usage: node run.mjs --models FOLDER [--networks cnn,dnn] [--runtimes ecgnet,tfjs] [--backends wasm] [--threads 1,2]
//                     [--rounds 7] [--own] [--browser PATH] [--out FILE]
//
// The folder holds what `make bench-models` writes. Every runtime has a browser of its own, all are open at once, and
// they take turns, so that what else the machine does meets all of them alike. --own shows the browser and leaves it
// its graphics card; without it the browser is headless and WebGPU is SwiftShader's, a processor's.

import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";
import { writeTensorFlowModel } from "./tensorflow_model.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** How long a turn lasts at least. */
const TURN_MS = 200;
/** What takes longer than this for one inference gets no more rounds than `FEW`. */
const SLOW_MS = 2000;
const FEW = 2;
/** Largest difference between two runtimes, relative to the value or, where that is small, to 1. */
const TOLERANCE = 1e-3;
const OURS = "ecgnet";

const { values: options } = parseArgs({
  options: {
    models: { type: "string" },
    networks: { type: "string", default: "cnn,dnn,resnet18,multiscale,compact" },
    runtimes: { type: "string", default: `${OURS},onnxruntime-web,tfjs` },
    backends: { type: "string", default: "wasm,webgpu" },
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "7" },
    own: { type: "boolean", default: false },
    browser: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
    out: { type: "string" },
  },
});
assert.ok(options.models, "--models names the folder with the networks");
const list = (text) => text.split(",").filter(Boolean);
const rounds = Number(options.rounds);
const started = new Date().toISOString();

const machine = { processor: cpus()[0].model, cores: cpus().length };
const file = options.out ?? join(ROOT, "benches/results", `web-${started.replaceAll(":", "-")}.json`);
await mkdir(dirname(file), { recursive: true });

const rows = [];
let version;
for (const network of list(options.networks)) {
  const onnx = join(options.models, `${network}.onnx`);
  const model = join(options.models, network);
  if (list(options.runtimes).includes("tfjs") && !(await isNewer(join(model, "model.json"), onnx))) {
    await writeTensorFlowModel(onnx, model);
  }
  const measured = await measure(network);
  for (const row of measured) row.ratio = ratio(row, measured);
  rows.push(...measured);
  // After each network, so that a run that is ended keeps what it has.
  const results = { started, browser: version, own: options.own, machine, networks: list(options.networks), rounds, rows };
  await writeFile(file, JSON.stringify(results, null, 2) + "\n");
}
print(rows);
console.log(`\nwritten to ${file}`);
const differing = rows.filter(({ difference }) => difference > TOLERANCE);
if (differing.length > 0 || rows.some(({ problem, available }) => problem && available)) {
  console.error("a runtime failed, or says something else than ECGNet");
  process.exitCode = 1;
}

async function isNewer(file, than) {
  const [time, other] = await Promise.all([file, than].map((path) => stat(path).catch(() => ({ mtimeMs: 0 }))));
  return time.mtimeMs > other.mtimeMs;
}

/** ECGNet on the processor has one thread, and a graphics card none of its own. */
function configurations(network) {
  const threads = list(options.threads).map(Number);
  return list(options.backends).flatMap((backend) =>
    list(options.runtimes).flatMap((runtime) => {
      const counts = backend === "webgpu" || runtime === OURS ? [1] : threads;
      return counts.map((threads) => ({ network, runtime, backend, threads }));
    }),
  );
}

/** Loads a network in all runtimes, one after the other, and lets them take turns. */
async function measure(network) {
  const all = [];
  try {
    for (const configuration of configurations(network)) {
      const open = await prepare(configuration);
      all.push(open);
      const { runtime, backend, threads, problem, first_ms } = open.row;
      console.error(`${network} ${runtime} ${backend} ${threads}: ${problem ?? `first ${first_ms.toFixed(0)} ms`}`);
    }
    const able = all.filter(({ row }) => !row.problem);
    for (let round = 0; round < rounds; round += 1) {
      for (const { page, row, times } of round % 2 === 0 ? able : able.toReversed()) {
        const isSlow = Math.min(row.first_ms, ...times) > SLOW_MS;
        if (!isSlow || round < FEW) times.push(...(await page.evaluate((ms) => window.turn(ms), TURN_MS)));
      }
    }
    const reference = (able.find(({ row }) => row.runtime === OURS) ?? able[0])?.row;
    for (const { row, times, browser } of able) {
      Object.assign(row, { warm_ms: median(times), warm_count: times.length });
      row.peak_memory_bytes = await peakMemory(browser);
      row.difference = Math.max(differs(row.age, reference.age), differs(row.female, reference.female));
    }
    return all.map(({ row }) => row);
  } finally {
    for (const { browser, server } of all) {
      await browser.close();
      await server.close();
    }
  }
}

/** A browser with a runtime and a network in it. */
async function prepare(configuration) {
  const server = await serve({ models: options.models, isolated: configuration.threads > 1 });
  const browser = await launch();
  version = browser.version();
  const page = await browser.newPage();
  await page.goto(server.address);
  await page.waitForFunction(() => window.prepare);
  const row = { ...configuration, ...(await page.evaluate((configuration) => window.prepare(configuration), configuration)) };
  return { row: { ...row, downloaded_bytes: await server.downloaded() }, page, browser, server, times: [] };
}

async function launch() {
  const { args } = JSON.parse(await readFile(join(ROOT, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  const kept = options.own ? args.filter((flag) => !/headless|swiftshader/.test(flag)) : args;
  return chromium.launch({ executablePath: options.browser, headless: !options.own, args: kept, timeout: 120_000 });
}

/** The most memory that the page's process and, where one is busy, the graphics process have had; Linux only. */
async function peakMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const peaks = await Promise.all(
    processInfo.map(async ({ type, id }) => {
      const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
      const [, kilobytes] = status.match(/^VmHWM:\s+(\d+) kB$/m) ?? [];
      return { type, bytes: kilobytes && Number(kilobytes) * 1024 };
    }),
  );
  const highest = (wanted) => Math.max(0, ...peaks.filter(({ type, bytes }) => type === wanted && bytes).map(({ bytes }) => bytes));
  return highest("renderer") + highest("GPU") || null;
}

function differs(value, expected) {
  return Math.abs(value - expected) / Math.max(1, Math.abs(expected));
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** ECGNet's warm time on the same backend, as a multiple of the row's; `rows` are those of the same network. */
function ratio({ runtime, backend, warm_ms }, rows) {
  const ours = rows.find((row) => row.backend === backend && row.runtime === OURS);
  return runtime === OURS || !ours?.warm_ms || !warm_ms ? undefined : ours.warm_ms / warm_ms;
}

function print(rows) {
  const titles = ["network", "runtime", "backend", "threads", "load ms", "first ms", "warm ms", "MB down", "MB peak", "differs", "ecgnet / it"];
  const megabytes = (bytes) => (bytes ? (bytes / 1e6).toFixed(1) : "");
  const lines = rows.map((row) => {
    const { network, runtime, backend, threads, problem, available } = row;
    const name = [network, runtime, backend, `${threads}`];
    if (problem) return [...name, available ? `failed: ${problem}` : `not available: ${problem}`];
    const times = [row.load_ms, row.first_ms, row.warm_ms].map((time) => time.toFixed(time < 10 ? 2 : 0));
    const difference = row.difference.toExponential(0);
    return [...name, ...times, megabytes(row.downloaded_bytes), megabytes(row.peak_memory_bytes), difference, row.ratio?.toFixed(2) ?? ""];
  });
  const widths = titles.map((title, column) => Math.max(title.length, ...lines.filter((line) => line.length === titles.length).map((line) => line[column].length)));
  const row = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  console.log([row(titles), row(widths.map((width) => "-".repeat(width))), ...lines.map(row)].join("\n"));
}
