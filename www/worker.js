// Holds the wasm: reads, draws up and estimates away from the page's own thread.

import init, { ECGNet } from "../pkg/ecgnet.js";
import { fetchChecked, fetchManifest } from "./weights.js";

const started = init().then(() => new ECGNet());

/** What the page can ask for, by name. Each gets the `ECGNet`, the argument, and a way to report progress. */
const actions = {
  formats: () => ECGNet.formats(),
  networks: async () => ECGNet.networks(await fetchManifest()),
  load: async (ecgnet, files, report) => ecgnet.load(await fetchChecked(files, report)),
  read: (ecgnet, files) => ecgnet.read(files),
  sample: (ecgnet) => ecgnet.sample(),
  paper: (ecgnet, { id, columns }) => ecgnet.paper(id, columns),
  estimate: (ecgnet, id) => ecgnet.estimate(id),
  csv: (ecgnet) => ecgnet.csv(),
  json: (ecgnet) => ecgnet.json(),
  clear: (ecgnet) => ecgnet.clear(),
};

addEventListener("message", async ({ data: { call, action, argument } }) => {
  try {
    const report = (progress) => postMessage({ call, progress });
    const result = await actions[action](await started, argument, report);
    postMessage({ call, result });
  } catch (error) {
    // An error of wasm itself has no code: the instance is lost.
    const code = error.code ?? (error instanceof WebAssembly.RuntimeError ? "crash" : "internal");
    postMessage({ call, error: { code, message: error.message } });
  }
});
