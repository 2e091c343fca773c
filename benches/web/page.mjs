// One network in one runtime, as `run.mjs` asks for it: `prepare(configuration)`, then `turn(milliseconds)` again and again.

const PACKAGES = "/node_modules/";
const [SAMPLES, LEADS, RECORDED] = [5120, 12, 5000];

const script = (address) =>
  new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src: address, onload: resolve });
    element.onerror = () => reject(new Error(`${address} cannot be loaded`));
    document.head.append(element);
  });

/** What is not there on this machine, as opposed to what fails. */
class NotAvailable extends Error {}

async function requireWebGpu() {
  if (!(await navigator.gpu?.requestAdapter())) throw new NotAvailable("this browser has no WebGPU adapter");
}

/** For each runtime what loads a network and returns the function that estimates: `{ age, female }` of an input. */
const RUNTIMES = {
  async ecgnet({ network, backend }) {
    const { default: init, ECGNet } = await import("/pkg/ecgnet.js");
    await init();
    const net = await ECGNet.load({ weights: "/weights/", network, device: backend === "webgpu" ? "webgpu" : "cpu" });
    const { name, remark } = net.device;
    if (backend === "webgpu" && name === "CPU") throw new NotAvailable(remark ?? "the processor computes instead");
    return async (input) => {
      const { age, sex } = await net.estimatePrepared(input);
      return { age: age.years, female: sex.probabilityFemale };
    };
  },

  async "onnxruntime-web"({ network, backend, threads }) {
    const folder = `${PACKAGES}onnxruntime-web/dist/`;
    const ort = await import(`${folder}ort.${backend}.min.mjs`);
    Object.assign(ort.env.wasm, { wasmPaths: folder, numThreads: threads });
    const session = await ort.InferenceSession.create(`/models/${network}.onnx`, { executionProviders: [backend] });
    return async (input) => {
      const { age, sex } = await session.run({ ecg: new ort.Tensor("float32", input, [1, SAMPLES, LEADS]) });
      return { age: age.data[0], female: sex.data[1] };
    };
  },

  async tfjs({ network, backend, threads }) {
    for (const part of ["core", "layers", `backend-${backend}`]) {
      await script(`${PACKAGES}@tensorflow/tfjs-${part}/dist/tf-${part}.min.js`);
    }
    const { tf } = window;
    if (backend === "wasm") {
      tf.wasm.setWasmPaths(`${PACKAGES}@tensorflow/tfjs-backend-wasm/dist/`);
      tf.wasm.setThreadsCount(threads);
    }
    if (!(await tf.setBackend(backend))) throw new NotAvailable(`TensorFlow.js cannot start ${backend}`);
    const model = await tf.loadLayersModel(`/models/${network}/model.json`);
    return async (input) => {
      const outputs = tf.tidy(() => model.predict(tf.tensor3d(input, [1, SAMPLES, LEADS])));
      const [age, sex] = await Promise.all(outputs.map((output) => output.data()));
      tf.dispose(outputs);
      return { age: age[0], female: sex[1] };
    };
  },
};

let estimate, input;

/** Made-up samples, the same everywhere, and zeros where a recording has ended. */
function madeUpInput() {
  const values = new Float32Array(SAMPLES * LEADS);
  for (let index = 0, state = 1; index < RECORDED * LEADS; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[index] = state / 2 ** 31 - 1;
  }
  return values;
}

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { result, milliseconds: performance.now() - start };
}

/** Loads the runtime and the network and estimates once. */
window.prepare = async (configuration) => {
  input = madeUpInput();
  try {
    if (configuration.backend === "webgpu") await requireWebGpu();
    const load = await timed(() => RUNTIMES[configuration.runtime](configuration));
    estimate = load.result;
    const first = await timed(() => estimate(input));
    return { load_ms: load.milliseconds, first_ms: first.milliseconds, ...first.result };
  } catch (error) {
    return { problem: `${error?.message ?? error}`, available: !(error instanceof NotAvailable) };
  }
};

/** Estimates for so long, at least once, and returns how long each estimate took. */
window.turn = async (milliseconds) => {
  const times = [];
  for (const end = performance.now() + milliseconds; times.length === 0 || performance.now() < end; ) {
    times.push((await timed(() => estimate(input))).milliseconds);
  }
  return times;
};
