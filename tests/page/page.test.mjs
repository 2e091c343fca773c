// The page in a real browser: `make test-page`. The browser is CHROMIUM, or else Debian's.
//
// ECGNET_WEIGHTS names the folder with a manifest.json (examples/made_up_weights writes one), ECGNET_PROGRAM the command
// `ecgnet`. ECGNET_SCREENSHOTS names a folder for pictures of the page. All recordings are made up here.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, test as untimed } from "node:test";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { npy, wfdb, zip } from "./recordings.mjs";
import { fetched } from "../../src/web/weights.js";
import { ROOT, serve, serveHeaders } from "./server.mjs";

const WEIGHTS = process.env.ECGNET_WEIGHTS ?? join(ROOT, "weights");
const PROGRAM = process.env.ECGNET_PROGRAM ?? join(ROOT, "target/debug/ecgnet");
const SCREENSHOTS = process.env.ECGNET_SCREENSHOTS;
const PATIENCE = 30_000;
const test = (name, work) => untimed(name, { timeout: 60_000 }, work);
/** Software that plays a graphics card takes its time to compile shaders, on a busy machine very much of it. */
const testGraphics = (name, work) =>
  untimed(name, { timeout: 240_000 }, () => {
    page.setDefaultTimeout(200_000);
    return work();
  });
/** What the wasm may weigh, compressed. */
const BUDGET = 3_000_000;

assert.ok(existsSync(join(WEIGHTS, "manifest.json")), `there are no weights in ${WEIGHTS}: use \`make test-page\``);
const manifest = JSON.parse(await readFile(join(WEIGHTS, "manifest.json"), "utf8"));

let browser, server, scratch, page, requests, complaints, asked, override;

before(async () => {
  asked = [];
  server = await serve({ weights: WEIGHTS, asked, override: (path, file) => override?.(path, file) });
  const { args } = JSON.parse(await readFile(join(ROOT, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  scratch = await mkdtemp(join(tmpdir(), "ecgnet-page-"));
});

after(async () => {
  await browser?.close();
  await server?.close();
  await rm(scratch, { recursive: true, force: true });
});

beforeEach(() => open());

afterEach(async () => {
  override = undefined;
  await page.context().close();
});

/** Opens the page and watches what it asks for and what it complains of. */
async function open(options = {}, address = server.address) {
  await page?.context().close();
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    colorScheme: "light",
    // One version of the page for one test, but for those about this.
    serviceWorkers: "block",
    ...options,
  });
  await context.addInitScript(() => {
    // The canvas itself only shows a picture: its pixels are read from a copy.
    window.pixelsOfTracing = () => {
      const canvas = document.getElementById("canvas");
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
      copy.drawImage(canvas, 0, 0);
      return copy.getImageData(0, 0, canvas.width, canvas.height).data;
    };
  });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  requests = [];
  complaints = [];
  context.on("request", (request) => requests.push(request));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
}

const text = (selector) => page.locator(selector).textContent();
const shown = (selector) => page.locator(selector).waitFor();
const trySample = () => page.getByRole("button", { name: "Try a sample" }).click();
const give = (files, input = "#files") =>
  page.locator(input).setInputFiles(files.map(({ name, content }) => ({ name, mimeType: "", buffer: content })));
const estimated = () => page.waitForFunction(() => /^(Estimated: |\d+ recordings estimated)/.test(document.getElementById("status").textContent));
const says = (selector, pattern) =>
  page.waitForFunction(
    ([selector, source]) => new RegExp(source).test(document.querySelector(selector).textContent),
    [selector, pattern.source],
  );

async function picture(name) {
  if (SCREENSHOTS) {
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}

/** How many pixels of the tracing have the colour of ink. */
function inkedPixels() {
  return page.locator("#canvas").evaluate((canvas) => {
    const data = window.pixelsOfTracing();
    const ink = getComputedStyle(canvas).getPropertyValue("--ink").match(/\w\w/g).map((byte) => parseInt(byte, 16));
    let count = 0;
    for (let index = 0; index < data.length; index += 4) {
      count += ink.every((value, channel) => Math.abs(data[index + channel] - value) < 8);
    }
    return count;
  });
}

/** Bytes of which the last is wrong. */
function flipped(content) {
  content[content.length - 1] ^= 1;
  return content;
}

/** Drops files on an element, or pastes them. */
async function transfer(kind, selector, files) {
  const contents = files.map(({ name, content }) => [name, content.toString("base64")]);
  await page.evaluate(
    ([kind, selector, contents]) => {
      const transfer = new DataTransfer();
      for (const [name, content] of contents) {
        transfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
      }
      const options = { bubbles: true, cancelable: true };
      const target = document.querySelector(selector);
      if (kind === "paste") {
        target.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: transfer }));
      } else {
        target.dispatchEvent(new DragEvent("dragover", { ...options, dataTransfer: transfer }));
        target.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer: transfer }));
      }
    },
    [kind, selector, contents],
  );
}

/**
 * Changes the worker's script: `code` stands before each call and knows its `method` and what is `given`; `start` counts
 * the workers. Returns what tells how many have been started.
 */
async function inWorker(code) {
  // Until then a worker of the present page may still be fetched.
  await page.locator("#network:enabled").waitFor({ state: "attached" });
  let starts = 0;
  override = async (path, file) => {
    if (path !== "/www/worker.js") {
      return undefined;
    }
    starts += 1;
    const source = await readFile(file, "utf8");
    return { content: source.replace("try {", `try { const start = ${starts}; ${code}`) };
  };
  return () => starts;
}

/** The computer has so many. */
const cores = (number) => `Object.defineProperty(WorkerNavigator.prototype, "hardwareConcurrency", { value: ${number} });`;

/** As a panic of Rust in something that waits: no promise is settled. */
const PANIC = 'queueMicrotask(() => { throw new WebAssembly.RuntimeError("unreachable"); }); await new Promise(() => {});';

/** Holds every estimate until it is let go. */
async function gated() {
  await inWorker('if (method === "estimate") { await fetch(new URL("/gate", import.meta.url)); }');
  const inner = override;
  const gate = { waiting: 0, isOpen: false, letGo: () => {} };
  const opened = new Promise((resolve) => {
    gate.letGo = () => {
      gate.isOpen = true;
      resolve();
    };
  });
  gate.reached = new Promise((resolve) => {
    override = async (path, file) => {
      if (path !== "/gate") {
        return inner(path, file);
      }
      gate.waiting += 1;
      resolve();
      await opened;
      return { content: "" };
    };
  });
  await page.reload();
  return gate;
}

async function saved(button) {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  const path = join(scratch, "saved");
  await (await download).saveAs(path);
  return readFile(path, "utf8");
}

test("a sample is drawn and estimated", async () => {
  await picture("empty");
  await trySample();
  await estimated();
  assert.equal(await text("#recording-title"), "Sample (synthetic)");
  assert.match(await text("#facts"), /Heart rate6[5-7] per minute/);
  assert.match(await text("#notices"), /synthetic/);
  assert.match(await text("#age-text"), /^-?\d+ years$/);
  assert.match(await text("#age-interval"), /^For 90 of 100 people the age lies between \d+ and \d+\.$/);
  assert.match(await text("#sex-text"), /^(Female|Male)$/);
  assert.match(await text("#computed"), new RegExp(`^${manifest.default}, CPU, \\d+ ms$`));
  assert.ok((await inkedPixels()) > 4000);
  assert.equal(await text("#scale"), "25 mm/s, 10 mm/mV");
  assert.match(await page.locator("#canvas").getAttribute("aria-label"), /twelve leads/);
  assert.equal(await page.locator("#correct").isVisible(), false);
  await picture("wide");
  assert.deepEqual(complaints, []);
});

for (const [host, headers] of [["ecgnet serve", undefined], ["a plain host", {}]]) {
  test(`no byte leaves the page from ${host}: every request goes to its own server, and none has a body`, async () => {
    const arrived = [];
    const own = await serve({ weights: WEIGHTS, asked: arrived, headers });
    try {
      await open({}, own.address);
      await give(wfdb("private"));
      await estimated();
      assert.ok(requests.length > 5);
      for (const request of requests) {
        const isOwn = request.url().startsWith(own.address) || request.url().startsWith("blob:");
        assert.ok(isOwn && request.method() === "GET" && request.postData() === null, request.url());
        assert.doesNotMatch(request.url(), /private/);
      }
      // The same server by another name is another's.
      const other = own.address.replace("localhost", "127.0.0.1");
      const leak = (address) =>
        new Promise((resolve) => {
          addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          fetch(address, { mode: "no-cors" }).then(() => resolve("sent"), () => {});
        });
      const [worker] = page.workers();
      assert.equal(await page.evaluate(leak, `${other}leak`), "connect-src");
      assert.equal(await worker.evaluate(leak, `${other}leak`), "connect-src");
      assert.ok(!arrived.includes("/leak"));
    } finally {
      await page.context().close();
      await own.close();
    }
  });
}

test("ecgnet serve gives a browser all that the page needs", async () => {
  const program = spawn(PROGRAM, ["serve", "--port", "0", ROOT], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [address] = await once(createInterface(program.stdout), "line");
    await open({ serviceWorkers: "allow" }, address);
    await give([...wfdb("a"), ...wfdb("b")]);
    await estimated();
    await page.evaluate(() => navigator.serviceWorker.ready);
    assert.deepEqual(complaints, []);
    await open({}, address);
    await trySample();
    await estimated();
  } finally {
    program.kill();
  }
});

test("the page and its server state the same content security policy", async () => {
  const [, stated] = (await readFile(join(ROOT, "index.html"), "utf8")).match(/Content-Security-Policy"\s+content="([^"]*)"/);
  const { "Content-Security-Policy": sent } = await serveHeaders();
  // A document cannot say this of itself.
  assert.equal(sent, `${stated}; frame-ancestors 'none'`);
});

test("a header with its signals is one recording, and what it states stands beside the estimate", async () => {
  await give(wfdb("a", { age: 61, sex: "Female" }));
  await estimated();
  assert.equal(await page.locator("#recordings").isVisible(), false);
  assert.match(await text("#age-stated"), /^The file says 61 years(; the estimate is \d+ years? (older|younger)\.|, like the estimate\.)$/);
  assert.match(await text("#sex-stated"), /^The file says female(, like the estimate|; the estimate differs)\.$/);
  assert.match(await text("#facts"), /Heart rate7[12] per minuteLength10\.0 sSampling rate500 Hz/);
});

test("files of several recordings become a table that can be sorted and saved", async () => {
  const files = [
    ...wfdb("a", { age: 71, sex: "Male", rate: 60 }),
    ...wfdb("b", { age: 33, rate: 90 }),
    ...wfdb("c", { age: 52, rate: 75, flat: 8 }),
    wfdb("d")[0],
  ];
  await give(files);
  await estimated();
  const heads = () => page.locator("#rows th").allTextContents();
  assert.equal((await heads()).length, 4);
  assert.match(await text("#rows"), /d\.hea.*also needs the file d\.dat/);
  assert.match(await text("#rows"), /Lead V3 is flat/);
  await page.getByRole("button", { name: "Stated age" }).click();
  assert.deepEqual((await heads()).slice(0, 3), ["b.hea", "c.hea", "a.hea"]);
  await page.getByRole("button", { name: "Stated age" }).click();
  assert.deepEqual((await heads()).slice(0, 3), ["a.hea", "c.hea", "b.hea"]);
  assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "descending");
  await page.getByRole("button", { name: "c.hea" }).click();
  await says("#recording-title", /^c\.hea$/);
  assert.match(await text("#warnings"), /Lead V3 is flat/);
  await picture("batch");

  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map((record) => record.error?.code), [undefined, undefined, undefined, "missing-companion"]);
  assert.equal(json[0].network, manifest.default);
  assert.equal(json[0].stated, undefined);
  const csv = await saved("Save CSV");
  assert.equal(csv.trim().split("\n").length, 5);
  assert.match(csv, /^file,network,age,.*\na\.hea,\w+,-?[\d.]+,-?[\d.]+,-?[\d.]+,\w+,[\d.]+,,,/);
  await page.locator("#with-stated").check();
  assert.match(await saved("Save CSV"), /\na\.hea,.*,71,male,/);
  assert.deepEqual(JSON.parse(await saved("Save JSON"))[1].stated.years, 33);

  await page.getByRole("button", { name: "Clear" }).click();
  await page.locator("#recording").waitFor({ state: "hidden" });
  assert.equal(await page.locator("#recordings").isVisible(), false);
  assert.deepEqual(complaints, []);
});

test("a folder is read", async () => {
  const folder = join(scratch, "ward");
  await mkdir(folder);
  for (const { name, content } of [...wfdb("x"), ...wfdb("y")]) {
    await writeFile(join(folder, name), content);
  }
  await page.locator("#folder").setInputFiles(folder);
  await estimated();
  assert.equal(await page.locator("#rows tr").count(), 2);
  assert.match(await text("#rows"), /x\.(dat|hea).*y\.(dat|hea)/);
});

test("an archive is read", async () => {
  await give([zip("exams.zip", [...wfdb("x"), ...wfdb("y")])]);
  await estimated();
  assert.equal(await page.locator("#rows tr").count(), 2);
});

test("dropped and pasted files are read wherever they fall", async () => {
  await transfer("drop", "footer", wfdb("dropped"));
  await says("#recording-title", /^dropped/);
  await transfer("paste", "body", wfdb("pasted"));
  await says("#recording-title", /^pasted/);
  await estimated();
  assert.equal(await page.locator("#rows tr").count(), 2);
});

test("a file that is no ECG is explained", async () => {
  await give([{ name: "printout.pdf", content: Buffer.from("%PDF-1.7 ...") }]);
  await shown("#recording-error");
  assert.match(await text("#recording-error"), /looks like a PDF document/);
  assert.equal(await page.locator("#canvas").isVisible(), false);
  assert.equal(await page.locator("#age").isVisible(), false);
  await picture("error");
  await give(wfdb("good"));
  await estimated();
  await says("#recording-title", /^good/);
});

test("the reading is corrected", async () => {
  await give([npy("bare.npy")]);
  await estimated();
  await page.locator("#correct summary").click();
  await page.locator("#rate").fill("fast");
  await page.getByRole("button", { name: "Read it so" }).click();
  await shown("#corrections-error");
  assert.match(await text("#corrections-error"), /"fast" is not a number of samples a second/);
  assert.equal(await page.locator("#rate").getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator("#order").getAttribute("aria-invalid"), "false");
  await page.locator("#rate").fill("250");
  await page.getByRole("button", { name: "Read it so" }).click();
  await says("#facts", /Length20\.0 sSampling rate250 Hz/);
  await page.getByRole("button", { name: "As the file says" }).click();
  await says("#facts", /Length10\.0 sSampling rate500 Hz/);
});

test("networks are chosen and compared", async () => {
  await trySample();
  await estimated();
  const names = manifest.networks.map(({ network }) => network);
  for (const name of names.toReversed()) {
    await page.locator("#network").selectOption(name);
    await says("#computed", new RegExp(`^${name}, CPU`));
  }
  await page.locator("#comparison summary").click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await says("#status", /networks compared/);
  assert.equal(await page.locator("#networks tr").count(), names.length);
  for (const name of names) {
    assert.match(await text("#networks"), new RegExp(`${name}-?\\d+ years(\\d+ to \\d+)?(Male|Female), .*CPU, \\d+ ms`));
  }
  await picture("compared");
  assert.deepEqual(complaints, []);
});

testGraphics("the graphics card estimates what the processor does, and is named", async () => {
  await give([...wfdb("a", { rate: 60 }), ...wfdb("b", { rate: 90 })]);
  for (const { network } of manifest.networks) {
    await page.locator("#network").selectOption(network);
    const estimates = [];
    for (const [device, name] of [["cpu", "CPU"], ["webgpu", String.raw`WebGPU \(\S[^)]*\)`]]) {
      await page.locator("#device").selectOption(device);
      await says("#computed", new RegExp(`^${network}, ${name}, \\d+ ms$`));
      estimates.push(JSON.parse(await saved("Save JSON")));
    }
    assert.equal(await page.locator("#device-remark").isVisible(), false);
    const [onProcessor, onCard] = estimates;
    assert.equal(onCard.length, 2);
    onCard.forEach(({ age, probability_female: female }, index) => {
      assert.ok(Math.abs(age - onProcessor[index].age) <= 0.05, `${network}: ${age}, ${onProcessor[index].age}`);
      assert.ok(Math.abs(female - onProcessor[index].probability_female) <= 0.002, `${network}: ${female}`);
    });
  }
  assert.deepEqual(complaints, []);
});

/** Chooses the graphics card before there is anything to estimate, when the page does not show the choice yet. */
const wantGraphicsCard = () => page.locator("#device").evaluate((select) => (select.value = "webgpu"));

/** Code that changes the graphics card of a worker once. */
const changed = (code) => `if (!globalThis.isChanged) { globalThis.isChanged = true; ${code} }`;

/** A method that does the same and then something with its result. */
const afterwards = (kind, method, code) =>
  `const { ${method} } = ${kind}.prototype;
   ${kind}.prototype.${method} = function (...given) { const result = ${method}.apply(this, given); ${code} return result; };`;

for (const [what, clamped] of [
  ["computes in 16 bits without being asked for", "within"],
  ["computes in 32 bits where 16 are too few", "2.0 * within"],
]) {
  testGraphics(`a real graphics card ${what}`, async () => {
    // Nor does it matter here how slow it is.
    const real = `Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { value: false });
      performance.now = () => 0;
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (work, milliseconds) => setTimeout(work, 100 * milliseconds);
      const { createShaderModule } = GPUDevice.prototype;
      GPUDevice.prototype.createShaderModule = function ({ code, ...given }) {
        console.debug(code.includes("pack2x16float(within") ? "a shader of 16 bits" : "a shader of 32 bits");
        return createShaderModule.call(this, { code: code.replaceAll("pack2x16float(within", "pack2x16float(${clamped}"), ...given });
      };`;
    const shaders = [];
    page.on("console", (message) => shaders.push(message.text()));
    await inWorker(changed(real));
    await page.reload();
    await trySample();
    await says("#computed", /WebGPU/);
    assert.equal(await page.locator("#device-remark").isVisible(), false);
    const inBits = (bits) => shaders.filter((shader) => shader === `a shader of ${bits} bits`).length;
    assert.ok(inBits(16) > 0);
    assert.equal(inBits(32) >= inBits(16), clamped !== "within", `${inBits(32)} of 32 bits, ${inBits(16)} of 16`);
  });
}

for (const [what, code, expected] of [
  ["is not there", 'Object.defineProperty(WorkerNavigator.prototype, "gpu", { value: undefined });', /^There is no graphics card to compute with: this browser offers none to pages\./],
  ["has no adapter", "GPU.prototype.requestAdapter = async () => null;", /^There is no graphics card to compute with: this browser offers none to pages\./],
  [
    "cannot take the time",
    `const { has } = GPUSupportedFeatures.prototype;
     GPUSupportedFeatures.prototype.has = function (name) { return name !== "timestamp-query" && has.call(this, name); };`,
    /^The graphics card lacks timestamp-query/,
  ],
  ["gives no device", 'GPUAdapter.prototype.requestDevice = async () => { throw new Error("busy"); };', /^The graphics card refused \(.*busy/],
  [
    "computes something else",
    afterwards("GPUBuffer", "getMappedRange", "const values = new Float32Array(result); values.forEach((value, at) => (values[at] = 2 * value));"),
    /^WebGPU \(.*\) computes something else than the processor/,
  ],
  [
    "does not answer",
    `GPUBuffer.prototype.mapAsync = () => new Promise(() => {});
     const { setTimeout } = globalThis;
     globalThis.setTimeout = (work, milliseconds) => setTimeout(work, milliseconds / 20);`,
    /^The device failed \(there was no answer for 120 seconds\)/,
  ],
  [
    "has too little memory",
    afterwards(
      "GPUDevice",
      "createComputePipeline",
      'const error = new GPUOutOfMemoryError("full"); this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));',
    ),
    /^The device failed \(.*memory/i,
  ],
  [
    "refuses the work",
    `const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
     GPUComputePassEncoder.prototype.dispatchWorkgroups = function () { dispatchWorkgroups.call(this, 2 ** 31); };`,
    /^The device failed \(.*dispatch/i,
  ],
  [
    "reports what nobody knows",
    afterwards(
      "GPUDevice",
      "createComputePipeline",
      'const error = new GPUInternalError("?"); this.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));',
    ),
    /^The computation stopped unexpectedly/,
  ],
]) {
  testGraphics(`a graphics card that ${what} is replaced, and the page says so`, async () => {
    await inWorker(changed(code));
    await page.reload();
    await wantGraphicsCard();
    await trySample();
    await estimated();
    assert.match(await text("#computed"), /CPU/);
    assert.match(await text("#device-remark"), expected);
    assert.match(await text("#device-remark"), /\. The processor computes instead\.$/);
  });
}

testGraphics("a graphics card that is lost is replaced, and opened anew once it is wanted again", async () => {
  const keep = `const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...given) { return (globalThis.opened = await requestDevice.apply(this, given)); };`;
  const lose = 'if (method === "estimate" && given[0] === 1) { globalThis.opened?.destroy(); GPUDevice.prototype.destroy = () => {}; }';
  await inWorker(changed(keep) + lose);
  await page.reload();
  await wantGraphicsCard();
  await give([...wfdb("a"), ...wfdb("b"), ...wfdb("c")]);
  await estimated();
  assert.match(await text("#computed"), /WebGPU/);
  assert.match(await text("#device-remark"), /^The device failed \(.*\)\. The processor computes instead\.$/);
  assert.equal(JSON.parse(await saved("Save JSON")).filter(({ age }) => Number.isFinite(age)).length, 3);
  await page.getByRole("button", { name: "c.hea" }).click();
  await says("#computed", /CPU/);

  await page.locator("#device").selectOption("cpu");
  // It waits until every recording is estimated.
  await saved("Save JSON");
  assert.equal(await page.locator("#device-remark").isVisible(), false);
  await page.locator("#device").selectOption("webgpu");
  await says("#computed", /WebGPU/);
  assert.equal(await page.locator("#device-remark").isVisible(), false);
});

testGraphics("a graphics card that refuses the work later does not answer with the recording before", async () => {
  const refuse = `if (method === "estimate" && given[0] === 1) {
    const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
    GPUComputePassEncoder.prototype.dispatchWorkgroups = function () { dispatchWorkgroups.call(this, 2 ** 31); };
  }`;
  await inWorker(refuse);
  await page.reload();
  await wantGraphicsCard();
  await give([...wfdb("a"), ...wfdb("b", { rate: 100 })]);
  await estimated();
  assert.match(await text("#device-remark"), /^The device failed \(.*\)\. The processor computes instead\.$/);
  const onCard = JSON.parse(await saved("Save JSON"));
  await page.locator("#device").selectOption("cpu");
  const onProcessor = JSON.parse(await saved("Save JSON"));
  onCard.forEach(({ age }, index) => assert.ok(Math.abs(age - onProcessor[index].age) <= 0.05));
  assert.notEqual(onProcessor[0].age, onProcessor[1].age);
});

testGraphics("a graphics card that hangs is left as soon as the processor is wanted", async () => {
  await inWorker(changed("GPUBuffer.prototype.mapAsync = () => new Promise(() => {});"));
  await page.reload();
  await wantGraphicsCard();
  await trySample();
  await shown("#loading");
  await page.locator("#device").selectOption("cpu");
  await estimated();
  assert.match(await text("#computed"), /CPU/);
});

testGraphics("a comparison goes on by the processor where the graphics card stops it", async () => {
  const starts = await inWorker(`if (method === "load" && given[1] !== "cpu") { globalThis.loads = (globalThis.loads ?? 0) + 1; }
    if (method === "estimate" && globalThis.loads === 2) { ${PANIC} }`);
  await page.reload();
  await wantGraphicsCard();
  await trySample();
  await estimated();
  await page.locator("#comparison summary").click();
  await page.getByRole("button", { name: "Compare" }).click();
  await says("#status", /networks compared/);
  assert.match(await text("#networks"), /CPU/);
  assert.doesNotMatch(await text("#networks"), /stopped/);
  assert.ok(starts() > 1);
});

test("a tracing that is being laid out while the worker stops is laid out anew", async () => {
  const starts = await inWorker(`if (start === 1 && method === "tracing") { ${PANIC} }`);
  await page.reload();
  await trySample();
  await estimated();
  await page.locator("#canvas[aria-label]").waitFor();
  assert.equal(starts(), 2);
  await give(wfdb("a"));
  await estimated();
  assert.equal(await page.locator("#error").isVisible(), false);
});

test("a tracing that stops the worker, and again, is the fault of no recording that is estimated meanwhile", async () => {
  // The worker is at the tracing as the next estimate is asked for.
  const stop = `globalThis.traced ??= Promise.withResolvers();
    globalThis.next ??= Promise.withResolvers();
    if (start === 1 && method === "estimate") {
      if (given[0] === 0) { await traced.promise; } else { next.resolve(); await new Promise(() => {}); }
    }
    if (start < 3 && method === "tracing" && given[0] === 1) {
      traced.resolve();
      if (start === 1) { await next.promise; }
      ${PANIC}
    }`;
  const starts = await inWorker(changed(cores(1)) + stop);
  await page.reload();
  await page.locator("#device").evaluate((select) => (select.value = "cpu"));
  await give([...wfdb("a"), ...wfdb("b"), ...wfdb("c")]);
  await says("#status", /^Estimating/);
  await page.getByRole("button", { name: "b.hea" }).click();
  await estimated();
  assert.equal(starts(), 3);
  assert.doesNotMatch(await text("#rows"), /stopped/);
  assert.equal(await page.locator("#error").isVisible(), false);
  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map(({ file, age }) => [file, Number.isFinite(age)]), ["a.hea", "b.hea", "c.hea"].map((file) => [file, true]));
});

test("a worker that cannot fetch the wasm is started anew", async () => {
  let broken = 0;
  override = async (path) => (path.endsWith(".wasm") && broken++ < 2 ? { status: 503, content: "" } : undefined);
  await open();
  await shown("#error");
  assert.match(await text("#error-text"), /could not be started/);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator("#network:enabled").waitFor({ state: "attached" });
  await trySample();
  await estimated();
  assert.equal(await page.locator("#error").isVisible(), false);
  assert.notEqual(await text("#formats"), "");
});

test("a computation that stops is started anew on the processor, and nothing is lost", async () => {
  const starts = await inWorker(`if (start === 1 && method === "estimate" && given[0] === 1) { ${PANIC} }`);
  await page.reload();
  await give([...wfdb("a", { age: 71 }), ...wfdb("b", { age: 33 }), ...wfdb("c", { age: 52 })]);
  await estimated();
  assert.equal(starts(), 2);
  assert.doesNotMatch(await text("#rows"), /stopped/);
  assert.equal(await page.locator("#device").inputValue(), "cpu");
  assert.match(await text("#device-remark"), /The processor computes instead/);
  await page.locator("#with-stated").check();
  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map(({ file, stated, error }) => [file, stated?.years, error]), [
    ["a.hea", 71, undefined],
    ["b.hea", 33, undefined],
    ["c.hea", 52, undefined],
  ]);
});

test("a recording that stops the processor as well is an error of its own", async () => {
  const starts = await inWorker(`if (method === "estimate" && given[0] === 0) { ${PANIC} }`);
  await page.reload();
  await give([...wfdb("a"), ...wfdb("b")]);
  await estimated();
  assert.equal(starts(), 3);
  assert.match(await text("#rows tr:nth-child(1)"), /a\.hea.*stopped unexpectedly/);
  assert.match(await text("#rows tr:nth-child(2)"), /b\.hea\d+.*(Male|Female)/);
  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map(({ file, error }) => [file, error?.code]), [["a.hea", "crash"], ["b.hea", undefined]]);
});

test("a worker that stops while a network is loaded is started anew", async () => {
  const starts = await inWorker(`if (start === 1 && method === "load") { ${PANIC} }`);
  await page.reload();
  await trySample();
  await estimated();
  assert.equal(starts(), 2);
  assert.equal(await page.locator("#error").isVisible(), false);
});

/**
 * Makes each estimate seem to take two seconds, which is worth helpers, and the computer have so many cores; every recording
 * but the first waits until helpers have begun to compute so many, or `letGo` is called. Returns as well by which workers
 * those are computed, and what tells how many workers have been started.
 */
async function helped(number, count, code = "") {
  const slow = `let now = 0; performance.now = () => (now += 2000); ${cores(number)}`;
  const hold = 'if (start === 1 && method === "estimate" && given[0] > 0) { await fetch(new URL("/until-helped", import.meta.url)); }';
  const tell = 'if (start > 1 && method === "features") { await fetch(new URL(`/helped-${start}`, import.meta.url)); }';
  const starts = await inWorker(changed(slow) + hold + tell + code);
  const inner = override;
  const by = [];
  let letGo;
  const isHelped = new Promise((resolve) => (letGo = resolve));
  if (count === 0) {
    letGo();
  }
  override = async (path, file) => {
    if (path.startsWith("/helped-")) {
      by.push(Number(path.slice("/helped-".length)));
      if (by.length === count) {
        letGo();
      }
      return { content: "" };
    }
    if (path === "/until-helped") {
      await isHelped;
      return { content: "" };
    }
    return inner(path, file);
  };
  await page.reload();
  return { by, starts, letGo };
}

async function until(isSo) {
  while (!isSo()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the page has so many workers. */
const workers = (count) => until(() => page.workers().length === count);

const six = ["a", "b", "c", "d", "e", "f"].flatMap((name, index) => wfdb(name, { rate: 60 + 5 * index, flat: index === 3 ? 8 : undefined }));

test("recordings that wait are shared out among workers, which say what one would", async () => {
  await give(six);
  await estimated();
  const [json, rows] = [JSON.parse(await saved("Save JSON")), await page.locator("#rows tr").allTextContents()];
  const { by, starts } = await helped(3, 4);
  asked.length = 0;
  await give(six);
  await estimated();
  assert.ok(by.length >= 4 && by.every((start) => start === 2 || start === 3), `${by}`);
  assert.equal(starts(), 3);
  assert.equal(page.workers().length, 3);
  assert.deepEqual(JSON.parse(await saved("Save JSON")), json);
  assert.deepEqual(await page.locator("#rows tr").allTextContents(), rows);
  assert.ok(asked.filter((path) => path.endsWith(".safetensors")).length <= 1, "what the cache has is not fetched");
  await page.getByRole("button", { name: "Clear" }).click();
  await workers(1);
  assert.deepEqual(complaints, []);
});

test("a helper that stops concerns nothing else", async () => {
  const { by, starts } = await helped(2, 1, `if (start === 2 && method === "features") { ${PANIC} }`);
  await give([...six, ...wfdb("few", { leads: 2 })]);
  await estimated();
  assert.deepEqual(by, [2]);
  assert.equal(starts(), 2);
  assert.equal(page.workers().length, 1);
  assert.equal(await page.locator("#error").isVisible(), false);
  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map(({ file, error }) => error?.code ?? file), ["a.hea", "b.hea", "c.hea", "d.hea", "e.hea", "f.hea", "too-few-leads"]);
});

test("a recording that stops a helper stops no other", async () => {
  // The lead that is flat in one of them.
  const stop = `if (start > 1 && method === "features" && given[0].every((value, at) => at % 12 !== 8 || value === 0)) { ${PANIC} }`;
  const { by, starts } = await helped(3, 4, stop);
  await give(six);
  await estimated();
  assert.equal(by.length, 4);
  assert.equal(starts(), 3);
  assert.equal(page.workers().length, 2);
  assert.equal(JSON.parse(await saved("Save JSON")).filter(({ age }) => Number.isFinite(age)).length, 6);
});

test("a recording that cannot be prepared for a helper is in the table that is saved", async () => {
  await helped(2, 3);
  await give(["a", "b", "c", "d", "e", "f"].flatMap((name) => wfdb(name, name === "c" ? { leads: 2 } : {})));
  await estimated();
  const json = JSON.parse(await saved("Save JSON"));
  assert.deepEqual(json.map(({ file, error }) => error?.code ?? file), ["a.hea", "b.hea", "too-few-leads", "d.hea", "e.hea", "f.hea"]);
});

testGraphics("what the trial of a graphics card took is not what a helper would take", async () => {
  const spoil = afterwards("GPUBuffer", "getMappedRange", "new Float32Array(result).fill(7);");
  const { by } = await helped(2, 1, spoil);
  await wantGraphicsCard();
  await give(six);
  await estimated();
  assert.match(await text("#computed"), /CPU/);
  assert.ok(by.length > 0);
});

for (const [what, name] of [["program", ".js"], ["wasm", ".wasm"]]) {
  test(`helpers whose ${what} does not come are done without`, async () => {
    const { by } = await helped(2, 0);
    await page.locator("#network:enabled").waitFor({ state: "attached" });
    const inner = override;
    override = (path, file) => (path.endsWith(name) ? { status: 503 } : inner(path, file));
    const before = asked.length;
    await give(six);
    await estimated();
    assert.ok(asked.slice(before).some((path) => path.endsWith(name)), "a helper was started");
    assert.deepEqual(by, []);
    assert.equal(JSON.parse(await saved("Save JSON")).filter(({ age }) => Number.isFinite(age)).length, 6);
    assert.equal(await page.locator("#error").isVisible(), false);
    await workers(1);
  });
}

for (const [what, end, estimates] of [
  [
    "Clear",
    () => page.getByRole("button", { name: "Clear" }).click(),
    async () => {
      await trySample();
      await estimated();
      assert.equal(await page.locator("#rows tr").count(), 1);
      assert.equal(await text("#recording-title"), "Sample (synthetic)");
    },
  ],
  [
    "another choice",
    () => page.locator("#network").selectOption("compact"),
    async () => {
      await estimated();
      assert.match(await text("#computed"), /^compact, CPU/);
      assert.deepEqual(JSON.parse(await saved("Save JSON")).map(({ network }) => network), Array(6).fill("compact"));
    },
  ],
]) {
  test(`${what} ends helpers, whatever they compute`, async () => {
    const { by, letGo } = await helped(2, Infinity, 'if (start === 2 && method === "features") { await new Promise(() => {}); }');
    await give(six);
    await until(() => by.length > 0);
    await end();
    await workers(1);
    letGo();
    await estimates();
    assert.deepEqual(complaints, []);
  });
}

test("helpers outlast a comparison", async () => {
  const { by, starts } = await helped(3, 2);
  await give(six);
  await estimated();
  await page.locator("#comparison summary").click();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await says("#status", /networks compared/);
  const before = by.length;
  await give([...wfdb("g", { rate: 60 }), ...wfdb("h", { rate: 65 })]);
  await estimated();
  assert.ok(by.length > before);
  assert.equal(starts(), 3);
  const json = JSON.parse(await saved("Save JSON"));
  assert.equal(json.length, 8);
  assert.deepEqual(json.slice(6).map(({ age, network }) => [age, network]), json.slice(0, 2).map(({ age, network }) => [age, network]));
});

test("a worker that stops while helpers compute is started anew, and nothing is lost", async () => {
  const { starts } = await helped(2, 1, `if (start === 1 && method === "prepare" && given[0] > 2) { ${PANIC} }`);
  await page.locator("#device").evaluate((select) => (select.value = "cpu"));
  await give(six);
  await estimated();
  assert.ok(starts() > 2);
  const json = JSON.parse(await saved("Save JSON"));
  assert.equal(json.length, 6);
  assert.equal(json.filter(({ error }) => error).length, 1);
});

const full = 'globalThis.caches.open = async () => { throw new Error("full"); };';
for (const [what, code, started] of [
  ["keeps nothing", full, 1],
  ["keeps nothing any more", `if (start > 1) { ${full} }`, 2],
  [
    "cannot keep anything",
    `Object.defineProperty(globalThis, "caches", { value: undefined });
     Response.prototype.clone = () => { throw new Error("held for nobody"); };`,
    1,
  ],
]) {
  test(`a browser that ${what} has no helpers that compute, and fetches weights once`, async () => {
    const { by, starts } = await helped(2, 0, code);
    asked.length = 0;
    await give(six);
    await estimated();
    assert.equal(asked.filter((path) => path.endsWith(".safetensors")).length, 1);
    assert.equal(starts(), started);
    assert.deepEqual(by, []);
    assert.equal(JSON.parse(await saved("Save JSON")).filter(({ age }) => Number.isFinite(age)).length, 6);
    await workers(1);
  });
}

test("the branches of a network are shared out among workers, which say what one would", async () => {
  await page.clock.install();
  const { by } = await helped(2, 0);
  await page.locator("#network:enabled").waitFor({ state: "attached" });
  await page.locator("#network").evaluate((select) => (select.value = "ensemble"));
  let count = 0;
  const add = async (files) => {
    count += 1;
    await give(files);
    await page.waitForFunction((count) => {
      const rows = document.getElementById("rows");
      return rows.children.length === count && !rows.textContent.includes("…");
    }, count);
  };
  while (by.length === 0) {
    await add(wfdb("a"));
  }
  assert.ok(count > 1, "the first does not wait for a helper");
  await add(wfdb("few", { leads: 2 }));
  const [alone, ...others] = JSON.parse(await saved("Save JSON"));
  assert.equal(others.pop().error.code, "too-few-leads");
  others.forEach((other) => assert.deepEqual(other, alone));
  assert.equal(page.workers().length, 2);
  await page.clock.fastForward(61_000);
  await workers(1);
  assert.deepEqual(complaints, []);
});

test("one recording is worth no helper", async () => {
  await trySample();
  await estimated();
  assert.equal(page.workers().length, 1);
});

test("a recording of too few leads says so, and those after it are estimated", async () => {
  await give(wfdb("few", { leads: 2 }));
  await shown("#recording-error");
  assert.equal(await page.locator("#canvas").isVisible(), false);
  await give([...wfdb("a"), ...wfdb("few", { leads: 2 })]);
  await page.waitForFunction(() => document.querySelectorAll("#rows tr").length === 3 && !document.getElementById("rows").textContent.includes("…"));
  await page.getByRole("button", { name: "a.hea" }).click();
  await page.locator("#canvas[aria-label]").waitFor();
  assert.equal(await page.locator("#recording-error").isVisible(), false);
  assert.match(await text("#age-text"), /years/);
  assert.deepEqual(complaints, []);
});

test("another recording's tracing is gone as soon as its name is", async () => {
  await give([...wfdb("a"), ...wfdb("b")]);
  await estimated();
  const seen = await page.evaluate(() => {
    [...document.querySelectorAll("#rows button")].at(-1).click();
    const label = document.getElementById("canvas").getAttribute("aria-label");
    return [document.getElementById("recording-title").textContent, label, window.pixelsOfTracing().some(Boolean)];
  });
  assert.deepEqual(seen, ["b.hea", null, false]);
  await page.locator("#canvas[aria-label]").waitFor();
  assert.ok((await inkedPixels()) > 4000);
});

test("Clear ends what is under way", async () => {
  const gate = await gated();
  await give([...wfdb("a"), ...wfdb("b"), ...wfdb("c")]);
  await gate.reached;
  await page.getByRole("button", { name: "Clear" }).click();
  assert.equal(await page.locator("#recording").isVisible(), false);
  assert.equal(await page.locator("#rows tr").count(), 0);
  gate.letGo();
  await trySample();
  await estimated();
  assert.equal(await text("#recording-title"), "Sample (synthetic)");
  assert.equal(gate.waiting, 2);
  assert.equal(await page.locator("#rows tr").count(), 1);
});

test("another choice ends the estimates of the one before", async () => {
  const gate = await gated();
  await give([...wfdb("a"), ...wfdb("b"), ...wfdb("c")]);
  await gate.reached;
  await page.locator("#device").selectOption("cpu");
  gate.letGo();
  await estimated();
  // One of the choice before, three of the new one.
  assert.equal(gate.waiting, 4);
  assert.equal(JSON.parse(await saved("Save JSON")).length, 3);
});

test("a correction is of the recording that was on show", async () => {
  const gate = await gated();
  await give([npy("a.npy"), npy("b.npy")]);
  await gate.reached;
  await page.locator("#correct summary").click();
  await page.locator("#rate").fill("250");
  await page.getByRole("button", { name: "Read it so" }).click();
  await page.getByRole("button", { name: "b.npy" }).click();
  gate.letGo();
  await page.waitForFunction(() => !document.getElementById("rows").textContent.includes("…"));
  await says("#facts", /500 Hz/);
  assert.equal(await text("#recording-title"), "b.npy");
  await page.getByRole("button", { name: "a.npy" }).click();
  await says("#facts", /250 Hz/);
});

test("files that are too large or cannot be read are named, and the others read", async () => {
  await page.evaluate(() => {
    const { get } = Object.getOwnPropertyDescriptor(Blob.prototype, "size");
    Object.defineProperty(Blob.prototype, "size", {
      get() {
        return this.name === "huge.dcm" ? 6e8 : get.call(this);
      },
    });
  });
  await give([...wfdb("a"), { name: "huge.dcm", content: Buffer.from("DICM") }]);
  await estimated();
  assert.match(await text("#error-text"), /^huge\.dcm is larger than 512 MiB and was passed over\.$/);
  await says("#recording-title", /^a\.hea$/);

  await page.evaluate(() => {
    DataTransferItem.prototype.webkitGetAsEntry = () => ({ isFile: true, file: (_, reject) => reject(new Error("no permission")) });
  });
  await transfer("drop", "footer", wfdb("b"));
  await says("#error-text", /^These files cannot be read: no permission$/);
  assert.deepEqual(complaints, []);
});

test("a connection that brings nothing any more is given up", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let signal;
  mock.method(globalThis, "fetch", (_, options) => {
    ({ signal } = options);
    const start = (controller) => {
      controller.enqueue(new Uint8Array(4));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    };
    return Promise.resolve(new Response(new ReadableStream({ start })));
  });
  const parts = await fetched("weights");
  assert.deepEqual(await parts.next(), new Uint8Array(4));
  const next = parts.next();
  next.catch(() => {});
  mock.timers.tick(29_999);
  assert.equal(signal.aborted, false);
  mock.timers.tick(1);
  await assert.rejects(next, /nothing came for 30 seconds/);
});

test("broken downloads are tried again, then reported, and can be retried", async () => {
  for (const [spoil, expected] of [
    [flipped, /SHA-256 sum differs/],
    [(content) => content.subarray(0, content.length / 2), /download of .* is broken/],
  ]) {
    let fetches = 0;
    override = async (path, file) => {
      if (!path.endsWith(".safetensors")) {
        return undefined;
      }
      fetches += 1;
      return { content: spoil(await readFile(file)) };
    };
    await open();
    await trySample();
    await shown("#error");
    assert.match(await text("#error-text"), expected);
    assert.equal(fetches, 2);
    await shown("#canvas");
  }
  await picture("broken");
  override = undefined;
  await page.getByRole("button", { name: "Try again" }).click();
  await estimated();
  assert.equal(await page.locator("#error").isVisible(), false);
});

test("one broken download is not worth a word", async () => {
  let fetches = 0;
  override = async (path, file) => {
    fetches += path.endsWith(".safetensors");
    return path.endsWith(".safetensors") && fetches === 1 ? { content: flipped(await readFile(file)) } : undefined;
  };
  await trySample();
  await estimated();
  assert.equal(fetches, 2);
});

test("without weights the tracing is still shown", async () => {
  override = (path) => (path.startsWith("/weights/") ? { status: 404 } : undefined);
  await page.reload();
  await shown("#error");
  assert.match(await text("#error-text"), /weights\/manifest\.json is not there/);
  await trySample();
  await shown("#canvas");
});

test("weights are fetched once, and everything works offline", async () => {
  await open({ serviceWorkers: "allow" });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await trySample();
  await estimated();
  const age = await text("#age-text");
  await page.reload();
  asked.length = 0;
  await trySample();
  await estimated();
  assert.deepEqual(asked.filter((path) => path.endsWith(".safetensors")), []);
  await page.context().setOffline(true);
  await page.reload();
  await trySample();
  await estimated();
  assert.equal(await text("#age-text"), age);
  await page.context().setOffline(false);
});

test("new weights that are not what their manifest means leave those before them to be used offline", async () => {
  await open({ serviceWorkers: "allow" });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await trySample();
  await estimated();
  const age = await text("#age-text");
  override = (path) => {
    const networks = manifest.networks.map((entry) => ({ ...entry, sha256: "0".repeat(64) }));
    return path === "/weights/manifest.json" ? { content: JSON.stringify({ ...manifest, networks }) } : undefined;
  };
  await page.reload();
  await trySample();
  await shown("#error");
  assert.match(await text("#error-text"), /SHA-256 sum differs/);
  await page.context().setOffline(true);
  await page.reload();
  await trySample();
  await estimated();
  assert.equal(await text("#age-text"), age);
  await page.context().setOffline(false);
});

test("new weights take the place of those before them", async () => {
  const kept = () =>
    page.evaluate(async () => (await (await caches.open("ecgnet-weights")).keys()).map(({ url }) => url.split("/").at(-1)).sort());
  await trySample();
  await estimated();
  const { file, sha256 } = manifest.networks.find(({ network }) => network === manifest.default);
  assert.deepEqual(await kept(), [`${file}?sha256=${sha256}`, "manifest.json"].sort());
  const other = manifest.networks.find(({ network }) => network !== manifest.default);
  override = async (path) => {
    if (path === "/weights/manifest.json") {
      const entry = { ...other, file };
      return { content: JSON.stringify({ default: other.network, networks: [entry] }) };
    }
    return path === `/weights/${file}` ? { content: await readFile(join(WEIGHTS, other.file)) } : undefined;
  };
  await page.reload();
  await trySample();
  await estimated();
  assert.deepEqual(await kept(), [`${file}?sha256=${other.sha256}`, "manifest.json"].sort());
});

test("after the first visit it works offline, even if nothing was estimated then", async () => {
  await open({ serviceWorkers: "allow" });
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    const areKept = async () => (await (await caches.open("ecgnet-weights")).keys()).some(({ url }) => url.includes(".safetensors"));
    while (active.state !== "activated" || !(await areKept())) {
      await new Promise(requestAnimationFrame);
    }
  });
  await page.context().setOffline(true);
  await page.reload();
  await trySample();
  await estimated();
  await page.context().setOffline(false);
});

/** Serves a page with another title, and a list of files with its sum, or with a wrong one. */
function nextVersion({ wrong = false } = {}) {
  const next = async (file) => (await readFile(file, "utf8")).replace("<h1>ECGNet</h1>", "<h1>Next</h1>");
  override = async (path, file) => {
    if (path === "/pkg/files.js") {
      const index = await next(join(ROOT, "index.html"));
      const sum = createHash("sha256").update(wrong ? "other" : index).digest("base64");
      const list = (await readFile(file, "utf8")).replace('"version": "', '"version": "next');
      return { content: list.replace(/"\.\/": "[^"]*"/, `"./": "sha256-${sum}"`) };
    }
    return path === "/" ? { content: await next(file) } : undefined;
  };
}

test("a new version waits until it is wanted, replaces the old one whole, and leaves what other tabs have opened", async () => {
  await open({ serviceWorkers: "allow" });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  const other = await page.context().newPage();
  await other.goto(server.address);
  await other.getByRole("button", { name: "Try a sample" }).click();
  await other.locator("#recording").waitFor();
  nextVersion();
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await shown("#update");
  assert.equal(await text("h1"), "ECGNet");
  await page.getByRole("button", { name: "Use it now" }).click();
  await says("h1", /^Next$/);
  const names = await page.evaluate(() => caches.keys());
  assert.equal(names.filter((name) => name.startsWith("ecgnet-page-")).length, 1);
  await other.getByRole("button", { name: "Load it" }).waitFor();
  assert.equal(await other.locator("#recording-title").textContent(), "Sample (synthetic)");
  await other.getByRole("button", { name: "Load it" }).click();
  await other.getByRole("heading", { name: "Next" }).waitFor();
});

test("a version of which a file is not the one that is meant is not taken", async () => {
  await open({ serviceWorkers: "allow" });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  nextVersion({ wrong: true });
  const state = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const ended = new Promise((resolve) => {
      registration.addEventListener("updatefound", () => {
        const found = registration.installing;
        found.addEventListener("statechange", () => resolve(found.state));
      });
    });
    await registration.update().catch(() => {});
    return ended;
  });
  assert.equal(state, "redundant");
  assert.equal(await page.locator("#update").isVisible(), false);
});

test("the list of the page's files is not made without the page", async () => {
  const empty = await mkdtemp(join(scratch, "empty-"));
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "tools/list-page.mjs")], { cwd: empty, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /no file of the page in www/);
});

test("it can be installed", async () => {
  const app = JSON.parse(await readFile(join(ROOT, "www/app.webmanifest"), "utf8"));
  assert.equal(app.display, "standalone");
  const sizes = await page.evaluate(
    (icons) => Promise.all(icons.map(async ({ src }) => {
      const image = new Image();
      image.src = new URL(src, new URL("www/", location));
      await image.decode();
      return image.naturalWidth;
    })),
    app.icons,
  );
  assert.ok(sizes.includes(192) && sizes.includes(512));
});

test("the keyboard reaches everything, and does it", async () => {
  const reached = [];
  for (let presses = 0; presses < 6; presses += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
  }
  assert.deepEqual(reached.slice(1, 5), ["files", "folder", "sample", "Which files can be read?"]);
  await page.locator("#sample").focus();
  await page.keyboard.press("Enter");
  await estimated();
  await page.locator("#comparison summary").focus();
  await page.keyboard.press("Enter");
  await shown("#compare");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "compare");
});

test("everything has a name for those who cannot see it", async () => {
  await give([...wfdb("a"), ...wfdb("b")]);
  await estimated();
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, input, canvas, section, progress")]
      .filter((each) => !(each.labels?.length || each.textContent.trim() || each.ariaLabel || each.getAttribute("aria-labelledby")))
      .map((each) => each.outerHTML),
  );
  assert.deepEqual(nameless, []);
  for (const role of ["status", "alert", "banner", "main", "contentinfo"]) {
    assert.ok((await page.getByRole(role, { includeHidden: true }).count()) > 0, role);
  }
});

test("a phone shows the tracing in two halves, nothing wider than the screen", async () => {
  await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 3 });
  await picture("phone-empty");
  await trySample();
  await estimated();
  const { width, height } = await page.locator("#canvas").boundingBox();
  assert.ok(height > width, `${width} x ${height}`);
  assert.equal(await page.locator("#canvas").evaluate((canvas) => Math.round(canvas.width / canvas.clientWidth)), 3);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  await picture("phone");
});

test("at night the paper is dark", async () => {
  await open({ colorScheme: "dark" });
  await trySample();
  await estimated();
  const brightness = await page.evaluate(() => {
    const data = window.pixelsOfTracing();
    return data.reduce((sum, value, index) => sum + (index % 4 < 3 ? value : 0), 0) / (data.length * 0.75);
  });
  assert.ok(brightness < 90, `${brightness}`);
  assert.ok((await inkedPixels()) > 4000);
  await picture("dark");
});

test("those who want no motion get none", async () => {
  await open({ reducedMotion: "reduce" });
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
});

/**
 * Milliseconds of the processor that each task of the page's own thread took, whatever else the machine did meanwhile; but
 * for those in which this test gave it something to do.
 */
function tasksOfPage(events) {
  const own = events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const isOwn = ({ pid, tid }) => own.some((thread) => thread.pid === pid && thread.tid === tid);
  const { pid, tid } = events.find((event) => event.name === "FunctionCall" && isOwn(event));
  const ofPage = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === "X");
  const asked = ofPage.filter(({ name }) => name === "EvaluateScript" || name.startsWith("DevToolsSession"));
  const tasks = ofPage.filter(({ name, tdur }) => name === "ThreadControllerImpl::RunTask" && tdur);
  const isAsked = ({ ts, dur }) => asked.some((event) => event.ts >= ts && event.ts <= ts + dur);
  return tasks.filter((task) => !isAsked(task)).map(({ tdur }) => tdur / 1000);
}

test("no task keeps the page's own thread for more than 50 ms", async (context) => {
  await page.locator("#network:enabled").waitFor({ state: "attached" });
  await browser.startTracing(page, { categories: ["toplevel", "devtools", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  await give([...wfdb("a"), ...wfdb("b")]);
  await estimated();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const tasks = tasksOfPage(traceEvents);
  assert.ok(tasks.length > 20, `${tasks.length}`);
  const longest = Math.max(...tasks);
  context.diagnostic(`longest task: ${longest.toFixed(1)} ms of ${tasks.length}`);
  assert.ok(longest < 50, `${longest} ms`);
});

test("the wasm keeps to its budget", async (context) => {
  const wasm = await readFile(join(ROOT, "pkg/ecgnet_bg.wasm"));
  const size = gzipSync(wasm, { level: 9 }).length;
  context.diagnostic(`${wasm.length} bytes, ${size} compressed`);
  assert.ok(size <= BUDGET, `${size}`);
});

test("a call of the wasm runs nothing but itself", async () => {
  // Where nothing runs its constructors, the linker has each call run them all.
  assert.doesNotMatch(await readFile(join(ROOT, "pkg/ecgnet.js"), "utf8"), /_command_export/);
});

test("everything that the page loads is kept for offline use", async () => {
  const list = await readFile(join(ROOT, "pkg/files.js"), "utf8");
  for (const name of await readdir(join(ROOT, "www"))) {
    assert.ok(list.includes(`"www/${name}"`), name);
  }
  await trySample();
  await estimated();
  for (const request of requests.filter((each) => !each.url().startsWith("blob:"))) {
    const path = request.url().slice(server.address.length);
    assert.ok(path === "" || path.startsWith("weights/") || list.includes(`"${path}"`), path);
  }
});

test("the package estimates on another page", async () => {
  const [header, signals] = wfdb("a");
  await page.goto(`${server.address}www/style.css`);
  const said = await page.evaluate(
    async ([header, signals]) => {
      const { default: init, ECGNet } = await import("/pkg/ecgnet.js");
      await init();
      const progress = [];
      const net = await ECGNet.load({ weights: new URL("/weights/", location).href, onProgress: (each) => progress.push(each) });
      const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const { age, sex } = await net.estimate([
        { name: "a.hea", bytes: bytes(header) },
        { name: "a.dat", bytes: bytes(signals) },
      ]);
      const failing = async (work) => {
        try {
          await work();
        } catch (error) {
          return [error instanceof Error, error.code];
        }
      };
      const failures = [
        await failing(() => net.estimate(bytes(header))),
        await failing(() => net.estimate(5)),
        await failing(() => ECGNet.load({ weights: new URL("/none/", location) })),
        await failing(() => ECGNet.load()),
        await failing(() => ECGNet.load({ weights: 5 })),
        await failing(() => ECGNet.load({ weights: "/weights", network: {} })),
        await failing(() => ECGNet.load({ weights: "/weights", device: "abacus" })),
        await failing(() => ECGNet.fromBytes(5)),
        await failing(() => net.estimate([{ name: 5, bytes: bytes(header) }])),
        await failing(() => net.estimate([], { unit: 5 })),
        await failing(() => net.estimate([{ name: "a.csv", bytes: bytes(header) }], { leadOrder: ["I", "nowhere"] })),
      ];
      return { age, sex, failures, network: net.network, device: net.device.name, received: progress.at(-1) };
    },
    [header, signals].map(({ content }) => content.toString("base64")),
  );
  assert.equal(said.network, manifest.default);
  assert.equal(said.device, "CPU");
  assert.ok(Number.isFinite(said.age.years) && said.age.low < said.age.high && said.sex.probabilityFemale <= 1);
  assert.equal(said.received.received, said.received.total);
  const codes = said.failures.map(([isError, code]) => isError && code);
  assert.deepEqual(codes, ["missing-companion", "argument", "weights-missing", ...Array(7).fill("argument"), "correction"]);
});

test("the package estimates without a page", async () => {
  const { default: init, ECGNet } = await import(join(ROOT, "pkg/ecgnet.js"));
  await init({ module_or_path: await readFile(join(ROOT, "pkg/ecgnet_bg.wasm")) });
  const { file } = manifest.networks.find(({ network }) => network === manifest.default);
  const net = await ECGNet.fromBytes([await readFile(join(WEIGHTS, file))], { device: "webgpu" });
  assert.equal(net.device.name, "CPU");
  assert.match(net.device.remark, /^There is no graphics card/);
  const { age } = await net.estimate(wfdb("a").map(({ name, content }) => ({ name, bytes: content })));
  assert.ok(Number.isFinite(age.years));
});
