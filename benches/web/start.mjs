// From opening the page to the first estimate, and again on a repeated visit: `make bench-start`.
//
// The page and the weights come from this computer; the default network computes on the processor. Each round is a new
// visitor, whose first visit ends with everything kept for the second.

import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { wfdb } from "../../tests/page/recordings.mjs";
import { ROOT, serve } from "../../tests/page/server.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" }, browser: { type: "string" } } });

const recording = wfdb("a").map(({ name, content }) => ({ name, mimeType: "", buffer: content }));
const server = await serve({ weights: `${ROOT}/weights`, asked: [] });
const browser = await chromium.launch({
  executablePath: values.browser ?? process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** Milliseconds from the start of the navigation until an estimate is shown, the file being given as soon as it can be. */
async function visit(context) {
  const page = await context.newPage();
  await page.goto(server.address, { waitUntil: "commit" });
  await page.locator("#device").evaluate((select) => (select.value = "cpu"));
  await page.locator("#files").setInputFiles(recording);
  const estimated = () => document.getElementById("age-text")?.textContent.includes("years") && performance.now();
  const milliseconds = await (await page.waitForFunction(estimated, undefined, { polling: 10 })).jsonValue();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.close();
  return milliseconds;
}

const times = { first: [], repeated: [] };
for (let round = 0; round < Number(values.rounds); round += 1) {
  const context = await browser.newContext();
  times.first.push(await visit(context));
  times.repeated.push(await visit(context));
  await context.close();
}
await browser.close();
await server.close();

for (const [visits, milliseconds] of Object.entries(times)) {
  const sorted = milliseconds.toSorted((one, other) => one - other);
  const [least, median, most] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) => Math.round(sorted[at]));
  console.log(`${visits} visit: ${median} ms to the first estimate (${least} to ${most}, ${sorted.length} visitors)`);
}
