// The page in a real browser. Needs `make pkg` before; the browser is CHROMIUM, or else Debian's.
//
// ECGNET_WEIGHTS names another folder with a manifest.json than weights/. ECGNET_SCREENSHOTS names a folder for
// pictures of the page. Files of real devices come from ../shared or ECGNET_SHARED; without them some tests are skipped.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { chromium } from "playwright-core";
import { ROOT, serve } from "./server.mjs";

const WEIGHTS = process.env.ECGNET_WEIGHTS ?? join(ROOT, "weights");
const WFDB = join(process.env.ECGNET_SHARED ?? join(ROOT, "../shared"), "fixtures/wfdb");
const SCREENSHOTS = process.env.ECGNET_SCREENSHOTS;
const PATIENCE = 60_000;

const networks = existsSync(join(WEIGHTS, "manifest.json"))
  ? JSON.parse(await readFile(join(WEIGHTS, "manifest.json"), "utf8"))
  : null;
const needsNetwork = networks ? {} : { skip: `there are no weights in ${WEIGHTS}` };
const needsFiles = existsSync(WFDB) ? {} : { skip: `the real files in ${WFDB} are absent (set ECGNET_SHARED)` };

let browser, server, scratch, page, requests, complaints;

before(async () => {
  server = await serve({ weights: WEIGHTS, pkg: process.env.ECGNET_PKG ?? join(ROOT, "pkg") });
  const { args } = JSON.parse(await readFile(join(ROOT, "webdriver.json"), "utf8"))["goog:chromeOptions"];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  scratch = await mkdtemp(join(tmpdir(), "ecgnet-page-"));
});

after(async () => {
  await browser?.close();
  server?.close();
  await rm(scratch, { recursive: true, force: true });
});

/** Opens the page and watches what it asks the network for and what it complains of. */
async function open(options = {}) {
  await page?.context().close();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  requests = [];
  complaints = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(server.address);
}

const text = (selector) => page.locator(selector).textContent();
const shown = (selector) => page.locator(selector).waitFor();
const file = (name) => join(WFDB, name);

/** Waits until the page has finished what it was asked to do. */
async function finished() {
  await page.waitForFunction(
    () =>
      document.getElementById("status").textContent === "" &&
      (!document.getElementById("recording").hidden || !document.getElementById("error").hidden),
  );
}

async function picture(name) {
  if (SCREENSHOTS) {
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}

/** How many pixels of the tracing have the colour of ink. */
function inkedPixels() {
  return page.locator("#canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const squares = getComputedStyle(canvas).getPropertyValue("--ink");
    const ink = squares.match(/\w\w/g).map((byte) => parseInt(byte, 16));
    let count = 0;
    for (let index = 0; index < data.length; index += 4) {
      count += ink.every((value, channel) => Math.abs(data[index + channel] - value) < 8) && data[index + 3] === 255;
    }
    return count;
  });
}

beforeEach(() => open());

test("a synthetic sample is drawn and estimated", needsNetwork, async () => {
  await page.getByRole("button", { name: "Try a sample" }).click();
  await finished();
  assert.equal(await text("#recording-title"), "Sample (synthetic)");
  assert.match(await text("#facts"), /Heart rate6[5-7] per minute/);
  assert.match(await text("#notices"), /synthetic/);
  assert.match(await text("#age-text"), /^-?\d+ years$/);
  assert.match(await text("#sex-text"), /^(Female|Male)$/);
  assert.match(await text("#facts"), new RegExp(`Computed${networks.default}, CPU, \\d+ ms`));
  assert.ok((await inkedPixels()) > 5000);
  assert.equal(await text("#scale"), "25 mm/s, 10 mm/mV");
  await picture("wide-light");
  assert.deepEqual(complaints, []);
});

test("every request goes to the page's own server", needsNetwork, async () => {
  await page.getByRole("button", { name: "Try a sample" }).click();
  await finished();
  assert.ok(requests.length > 5);
  assert.deepEqual(requests.filter((url) => !url.startsWith(server.address)), []);
});

test("every network of the manifest can be chosen", needsNetwork, async () => {
  await page.getByRole("button", { name: "Try a sample" }).click();
  await finished();
  const names = await page.locator("#network option").evaluateAll((options) => options.map((option) => option.value));
  assert.deepEqual([...names].sort(), [...new Set(networks.networks.map(({ network }) => network))].sort());
  for (const name of names) {
    await page.locator("#network").selectOption(name);
    await page.waitForFunction(
      (name) => document.getElementById("facts").textContent.includes(`Computed${name},`),
      name,
    );
  }
  assert.deepEqual(complaints, []);
});

test("files of several recordings become a table that can be saved", { ...needsFiles, ...needsNetwork }, async () => {
  const names = ["A0001.hea", "A0001.mat", "E00001.hea", "E00001.mat", "00002_hr.hea", "00002_hr.dat", "00001_lr.hea"];
  await page.locator("#files").setInputFiles(names.map(file));
  await finished();
  const rows = page.locator("#rows tr");
  assert.equal(await rows.count(), 4);
  assert.match(await rows.nth(0).textContent(), /00001_lr\.hea.*needs the file 00001_lr\.dat/);
  assert.match(await rows.nth(2).textContent(), /A0001\.hea-?\d+ years.*74 years, male/);
  await page.getByRole("button", { name: "A0001.hea" }).click();
  assert.equal(await text("#recording-title"), "A0001.hea");
  assert.equal(await text("#age-stated"), "The file says 74 years.");
  assert.match(await text("#facts"), /Length15\.0 s.*500 Hz.*2020-05-12/);
  await picture("several");

  for (const [button, ending] of [["Save CSV", "csv"], ["Save JSON", "json"]]) {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    const saved = join(scratch, `saved.${ending}`);
    await (await download).saveAs(saved);
    const content = await readFile(saved, "utf8");
    if (ending === "json") {
      const records = JSON.parse(content);
      assert.deepEqual(records.map((record) => record.error?.code), ["missing-companion", undefined, undefined, undefined]);
      assert.equal(records[2].network, networks.default);
    } else {
      assert.equal(content.trim().split("\n").length, 5);
      assert.match(content, /^file,network,age,.*\n00001_lr\.hea,,,/);
    }
  }
  await page.getByRole("button", { name: "Clear" }).click();
  await page.locator("#recording").waitFor({ state: "hidden" });
  assert.equal(await page.locator("#recordings").isVisible(), false);
  assert.deepEqual(complaints, []);
});

test("a file that is no ECG is explained", async () => {
  const wrong = join(scratch, "printout.pdf");
  await writeFile(wrong, "%PDF-1.7 ...");
  await page.locator("#files").setInputFiles(wrong);
  await shown("#recording-error");
  assert.match(await text("#recording-error"), /looks like a PDF document/);
  assert.equal(await page.locator("#canvas").isVisible(), false);
  await picture("wrong-file");
});

test("a dropped file is read wherever it falls", needsFiles, async () => {
  const contents = await Promise.all(["E00001.hea", "E00001.mat"].map(async (name) => [name, [...(await readFile(file(name)))]]));
  const transfer = await page.evaluateHandle((contents) => {
    const transfer = new DataTransfer();
    contents.forEach(([name, bytes]) => transfer.items.add(new File([new Uint8Array(bytes)], name)));
    return transfer;
  }, contents);
  await page.dispatchEvent("footer", "dragover", { dataTransfer: transfer });
  assert.ok(await page.locator("#drop.over").count());
  await page.dispatchEvent("footer", "drop", { dataTransfer: transfer });
  await shown("#canvas");
  assert.equal(await text("#recording-title"), "E00001.hea");
  assert.equal(await text("#sex-stated"), "The file says female.");
});

test("the keyboard reaches everything", async () => {
  const reached = [];
  for (let presses = 0; presses < 4; presses += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(reached.slice(0, 2), ["files", "sample"]);
  await page.locator("#sample").focus();
  await page.keyboard.press("Enter");
  await shown("#canvas");
});

test("a phone shows the tracing in two halves, nothing wider than the screen", async () => {
  await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, colorScheme: "light" });
  await picture("phone-empty");
  await page.getByRole("button", { name: "Try a sample" }).click();
  await finished();
  const { width, height } = await page.locator("#canvas").boundingBox();
  assert.ok(height > width, `${width} x ${height}`);
  assert.equal(await page.locator("#canvas").evaluate((canvas) => Math.round(canvas.width / canvas.clientWidth)), 3);
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  await picture("phone");
});

test("at night the paper is dark", async () => {
  await open({ colorScheme: "dark" });
  await picture("empty-dark");
  await page.getByRole("button", { name: "Try a sample" }).click();
  await finished();
  const brightness = await page.locator("#canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value, index) => sum + (index % 4 < 3 ? value : 0), 0) / (data.length * 0.75);
  });
  assert.ok(brightness < 90, `${brightness}`);
  assert.ok((await inkedPixels()) > 5000);
  await picture("wide-dark");
});

test("without weights the tracing is still shown", async () => {
  await page.context().route("**/weights/manifest.json", (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await shown("#error");
  assert.match(await text("#error"), /weights\/manifest\.json is not there/);
  await page.getByRole("button", { name: "Try a sample" }).click();
  await shown("#canvas");
});

test("weights that are not those of the manifest are refused", needsNetwork, async () => {
  await page.context().route("**/*.safetensors", async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[body.length - 1] ^= 1;
    await route.fulfill({ response, body });
  });
  await page.getByRole("button", { name: "Try a sample" }).click();
  await shown("#error");
  assert.match(await text("#error"), /SHA-256 sum differs/);
});
