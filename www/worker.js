// Holds the wasm, away from the page's own thread. Each message is a call of a method of `Session`.

import init, { Session } from "../pkg/ecgnet.js";

const session = init().then(() => new Session(new URL("../weights/", import.meta.url).href));
const hasStarted = session.then(() => true, () => false);

addEventListener("message", async ({ data: { call, method, arguments: given } }) => {
  const report = (progress) => postMessage({ call, progress });
  try {
    postMessage({ call, result: await (await session)[method](...given, report) });
  } catch (error) {
    // An error of wasm itself has no code: the instance is lost.
    const code = error.code ?? (error instanceof WebAssembly.RuntimeError ? "crash" : "internal");
    postMessage({ call, error: { code: (await hasStarted) ? code : "worker", message: error.message } });
  }
});
