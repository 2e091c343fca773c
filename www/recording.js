// Shows one recording: tracing, estimates, what is known of it, warnings.

import { element, made, say, terms } from "./dom.js";
import { ask, isLoss } from "./engine.js";
import { blank, lookOn, present } from "./tracing.js";

const section = element("recording");
const canvas = element("canvas");

/** What no statement about the file can mend. */
const BEYOND_CORRECTION = ["empty", "missing-companion", "truncated", "unknown-format"];

/** The recording on show. */
let shown = null;
/** Counts what was put on show: a tracing of what was there before is not shown. */
let turn = 0;
/** What the canvas shows: the turn and the look. */
let drawn = "";
/** The drawing that is under way. */
let drawing = null;
/** What a tracing has to wait for. */
let ready = () => {};

/** Places marks on a scale; each is hidden where there is nothing to place. */
function mark(id, marks) {
  for (const [name, value] of Object.entries(marks)) {
    const present = value !== undefined;
    element(id).classList.toggle(`has-${name}`, present);
    if (present) {
      element(id).style.setProperty(`--${name}`, value);
    }
  }
}

function showEstimate({ reading: { stated }, estimate, error }) {
  const { age, sex } = estimate ?? {};
  const pending = error ? "" : "…";
  const states = (what) => what && `The file says ${what.toLowerCase()}.`;
  say("age-text", age?.text ?? pending);
  say("age-interval", age?.interval);
  say("age-stated", age?.comparison ?? states(stated.age));
  mark("age-scale", { estimate: age?.years, low: age?.low, high: age?.high, stated: stated.years });
  say("sex-text", sex?.text ?? pending);
  say("sex-probability", sex && `with a probability of ${sex.probability}`);
  say("sex-stated", sex?.comparison ?? states(stated.sex));
  const end = { Male: 0, Female: 100 }[stated.sex];
  mark("sex-scale", { estimate: sex && sex.probabilityFemale * 100, stated: end });
  element("age").hidden = Boolean(error || (estimate && !age));
  element("sex").hidden = Boolean(error || (estimate && !sex));
  say("computed", estimate?.computed);
}

function showNotices({ reading, estimate }) {
  const notices = estimate?.notices ?? reading.notices;
  for (const [id, areWarnings] of [["warnings", true], ["notices", false]]) {
    const some = notices.filter(({ isWarning }) => isWarning === areWarnings);
    element(id).hidden = some.length === 0;
    element(id).querySelector("ul").replaceChildren(...some.map(({ text }) => made("li", text)));
  }
}

/** Draws until the canvas shows what is on show as it is to look by now. */
async function drawShown() {
  try {
    // Laying out what was unhidden just now is a task of its own.
    await new Promise((next) => setTimeout(next));
    while (shown && !shown.undrawn && canvas.clientWidth > 0) {
      const [recording, mine, look] = [shown, turn, lookOn(canvas)];
      const wanted = JSON.stringify([mine, look]);
      if (drawn === wanted) {
        return;
      }
      const drawnByWorker = async () => {
        await ready();
        return ask("tracing", [recording.reading.id, look]);
      };
      try {
        // Other work may have stopped the worker; what stops it twice is this recording.
        const tracing = await drawnByWorker().catch((error) => (isLoss(error) ? drawnByWorker() : Promise.reject(error)));
        if (mine === turn) {
          drawn = wanted;
          present(canvas, tracing);
          say("scale", tracing.scale);
        }
      } catch (error) {
        recording.undrawn = error;
        recording.error ??= error;
        if (mine === turn) {
          element("tracing").hidden = true;
          say("recording-error", recording.error.message);
          showEstimate(recording);
        }
      }
    }
  } finally {
    drawing = null;
  }
}

function redraw() {
  drawing ??= drawShown();
  return drawing;
}

/** Shows a recording, or what has become known of it since; `anew` where it was read anew. */
export async function show(recording, anew = false) {
  const isOther = recording !== shown;
  shown = recording;
  if (isOther || anew) {
    recording.undrawn = undefined;
    turn += 1;
    blank(canvas);
    say("scale", "");
  }
  section.hidden = false;
  const { reading, error } = recording;
  say("recording-title", reading.file);
  say("recording-error", error?.message);
  const isReadable = !reading.error;
  element("tracing").hidden = !isReadable || Boolean(recording.undrawn);
  element("estimates").hidden = !isReadable;
  element("comparison").hidden = !isReadable;
  element("correct").hidden = !recording.source || BEYOND_CORRECTION.includes(reading.error?.code);
  showEstimate(recording);
  element("facts").replaceChildren(...terms(reading.facts));
  showNotices(recording);
  if (isOther) {
    element("comparison").open = false;
    element("correct").open = false;
    element("corrections").reset();
    for (const [name, value] of Object.entries(recording.corrections ?? {})) {
      element("corrections").elements[name].value = value;
    }
    showCorrectionError(null);
    element("networks").replaceChildren();
    element("networks").closest(".table-frame").hidden = true;
  }
  if ((isOther || anew) && isReadable) {
    await redraw();
  }
}

/** Says what is wrong with the corrections, and marks the fields that it quotes. */
export function showCorrectionError(error) {
  say("corrections-error", error?.message);
  for (const field of element("corrections").querySelectorAll("input")) {
    const parts = [field.value.trim(), ...field.value.split(/[\s,;]+/)].filter(Boolean);
    const isQuoted = parts.some((part) => error?.message.includes(JSON.stringify(part)));
    field.setAttribute("aria-invalid", isQuoted);
  }
}

/** Shows nothing. */
export function hide() {
  shown = null;
  turn += 1;
  section.hidden = true;
}

export const isShown = (recording) => recording === shown;

export const theShown = () => shown;

export function drawAfter(work) {
  ready = work;
}

new ResizeObserver(redraw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

/** Redraws each time that the window is moved to a screen of another density. */
function watchDensity() {
  const density = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  density.addEventListener("change", () => (redraw(), watchDensity()), { once: true });
}

watchDensity();
