// Holds the wasm, away from the page's own thread. Each message is a call of a method of `Session`, or asks for a drawing.

import init, { Session } from "../pkg/ecgnet.js";
import { draw } from "./tracing.js";

const session = init().then(() => new Session(new URL("../weights/", import.meta.url).href));
const hasStarted = session.then(() => true, () => false);

/** The tracing of a recording as an image, with its scale and description in words. */
async function tracing(id, look) {
  const paper = (await session).paper(id, look.columns);
  return { image: draw(paper, look), scale: paper.scale, description: paper.description };
}

addEventListener("message", async ({ data: { call, method, arguments: given } }) => {
  const report = (progress) => postMessage({ call, progress });
  try {
    const result = method === "tracing" ? await tracing(...given) : await (await session)[method](...given, report);
    postMessage({ call, result }, result?.image ? [result.image] : []);
  } catch (error) {
    // An error of wasm itself has no code: the instance is lost.
    const code = error.code ?? (error instanceof WebAssembly.RuntimeError ? "crash" : "internal");
    postMessage({ call, error: { code: (await hasStarted) ? code : "worker", message: error.message } });
  }
});
