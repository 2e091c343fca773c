// What several workers bring the page on the processor: `make bench-pool`.
//
// usage: node pool.mjs --models FOLDER [--networks resnet18,multiscale] [--workers 1,2] [--recordings 20] [--rounds 3]
//
// Each round opens the page anew for each number of workers, which take turns, and times estimates as a visitor sees them:
// a batch, in which the page starts what workers it thinks worth it, and then recordings one by one.

import assert from "node:assert/strict";
import { cpus } from "node:os";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { wfdb } from "../../tests/page/recordings.mjs";
import { serve } from "../../tests/page/server.mjs";

const { values: options } = parseArgs({
  options: {
    models: { type: "string" },
    networks: { type: "string", default: "compact,resnet18,multiscale" },
    workers: { type: "string", default: "1,2" },
    recordings: { type: "string", default: "20" },
    rounds: { type: "string", default: "3" },
    browser: { type: "string", default: process.env.CHROMIUM ?? "/usr/bin/chromium" },
  },
});
assert.ok(options.models, "--models names the folder with the networks");
const [recordings, rounds] = [options.recordings, options.rounds].map(Number);
const SINGLE = 5;
/** Two estimates of the same recording differ by no more. */
const TOLERANCE = 1e-5;

const files = (names) => names.flatMap((name) => wfdb(name)).map(({ name, content }) => ({ name, mimeType: "", buffer: content }));
const batch = files(Array.from({ length: recordings }, (_, index) => `r${index}`));

const browser = await chromium.launch({ executablePath: options.browser, args: ["--no-sandbox"] });
const sites = await Promise.all(options.workers.split(",").map(Number).map(openSite));
console.log(`${recordings} recordings on ${cpus().length} x ${cpus()[0].model}, Chromium ${browser.version()}, ${rounds} rounds`);
for (const network of options.networks.split(",")) {
  const times = sites.map(() => ({ batch: [], single: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, site] of sites.entries()) {
      const { batch, single, said } = await visit(site, network);
      times[index].batch.push(batch);
      times[index].single.push(...single);
      site.said = said;
    }
  }
  sites.forEach(({ workers, said }, index) => {
    const differences = said.map((value, at) => Math.abs(value - sites[0].said[at]) / Math.max(1, Math.abs(value)));
    assert.ok(Math.max(...differences) <= TOLERANCE, `${network} says something else by ${workers} workers`);
    const cells = ["batch", "single"].map((kind) => {
      const [mine, ofFirst] = [times[index], times[0]].map((each) => median(each[kind]));
      return `${kind} ${mine.toFixed(0)} ms (${(mine / ofFirst).toFixed(2)})`;
    });
    console.log(`${network}, ${workers} workers: ${cells.join(", ")}`);
  });
}
await browser.close();
await Promise.all(sites.map(({ server }) => server.close()));

/** The page of a computer that has as many cores as workers are wanted. */
async function openSite(workers) {
  const cores = `Object.defineProperty(WorkerNavigator.prototype, "hardwareConcurrency", { value: ${workers} });\n`;
  const override = async (path, file) => (path === "/www/worker.js" ? { content: cores + (await readFile(file, "utf8")) } : undefined);
  const server = await serve({ weights: options.models, override });
  return { workers, server, context: await browser.newContext({ serviceWorkers: "block" }) };
}

/** Milliseconds of a batch, and of each of some recordings after it. */
async function visit({ server, context }, network) {
  const page = await context.newPage();
  await page.goto(server.address);
  await page.locator("#network:enabled").waitFor({ state: "attached" });
  await page.evaluate((network) => {
    document.getElementById("device").value = "cpu";
    document.getElementById("network").value = network;
    // Both texts change in the tasks in which estimating begins and ends.
    window.begun = window.ended = 0;
    const [count, status] = ["count", "status"].map((id) => document.getElementById(id));
    const note = () => {
      if (status.textContent.startsWith("Estimating") && document.getElementById("loading").hidden) {
        window.begun ||= performance.now();
      }
      if (window.begun && /^Estimated|recordings estimated/.test(status.textContent)) {
        window.ended ||= performance.now();
      }
    };
    const watched = { childList: true, subtree: true, characterData: true, attributes: true };
    [count, status, document.getElementById("loading")].forEach((each) => new MutationObserver(note).observe(each, watched));
  }, network);
  const time = async (given) => {
    await page.evaluate(() => (window.begun = window.ended = 0));
    await page.locator("#files").setInputFiles(given);
    await page.waitForFunction(() => window.ended);
    return page.evaluate(() => window.ended - window.begun);
  };
  const estimated = await time(batch);
  const single = [];
  for (let index = 0; index < SINGLE; index += 1) {
    single.push(await time(files([`single${index}`])));
  }
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save JSON" }).click();
  const json = JSON.parse(await readFile(await (await download).path(), "utf8"));
  await page.close();
  return { batch: estimated, single, said: json.flatMap(({ age, probability_female: female }) => [age, female]) };
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}
