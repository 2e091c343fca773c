// Shows one recording: estimates, what is known of it, remarks, tracing.

import { ask } from "./engine.js";
import { columnsFor, draw } from "./tracing.js";

const element = (id) => document.getElementById(id);
const section = element("recording");
const canvas = element("canvas");

/** The recording on show and its laid-out tracing. */
let shown = null;
let paper = null;
let columns = 0;

/** Sets a text; hides the element where there is none. */
function say(id, text) {
  element(id).textContent = text ?? "";
  element(id).hidden = !text;
}

/** A list's items or a table's cells. */
function fill(list, tag, texts) {
  const items = texts.map((text) => Object.assign(document.createElement(tag), { textContent: text }));
  list.replaceChildren(...items);
}

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
  say("age-text", age?.text ?? pending);
  say("age-interval", age?.interval);
  say("age-stated", stated.age && `The file says ${stated.age}.`);
  mark("age-scale", { estimate: age?.years, low: age?.low, high: age?.high, stated: stated.years });
  say("sex-text", sex?.text ?? pending);
  say("sex-probability", sex && `with a probability of ${sex.probability}`);
  say("sex-stated", stated.sex && `The file says ${stated.sex.toLowerCase()}.`);
  const end = { Male: 0, Female: 100 }[stated.sex];
  mark("sex-scale", { estimate: sex && sex.probabilityFemale * 100, stated: end });
  element("age").hidden = Boolean(estimate && !age);
  element("sex").hidden = Boolean(estimate && !sex);
}

function showFacts({ reading, estimate }) {
  const facts = [...reading.facts];
  if (estimate) {
    facts.push({ name: "Computed", value: estimate.computed });
  }
  const pairs = facts.flatMap(({ name, value }) => {
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    detail.textContent = value;
    return [term, detail];
  });
  element("facts").replaceChildren(...pairs);
}

function showNotices({ reading, estimate }) {
  const notices = estimate?.notices ?? reading.notices;
  element("notices").hidden = notices.length === 0;
  fill(element("notices").querySelector("ul"), "li", notices);
}

async function layOut() {
  const recording = shown;
  columns = columnsFor(canvas);
  const laidOut = await ask("paper", { id: recording.reading.id, columns });
  if (recording === shown) {
    paper = laidOut;
    say("scale", paper.scale);
    draw(canvas, paper);
  }
}

function redraw() {
  if (!paper || canvas.clientWidth === 0) {
    return;
  }
  if (columnsFor(canvas) === columns) {
    draw(canvas, paper);
  } else {
    layOut();
  }
}

/** Shows a recording, or what has become known of it since. */
export async function show(recording) {
  const isNew = recording !== shown;
  shown = recording;
  section.hidden = false;
  const { reading, error } = recording;
  say("recording-title", reading.file);
  say("recording-error", error?.message);
  const isReadable = !reading.error;
  element("estimates").hidden = !isReadable;
  element("tracing").hidden = !isReadable;
  showEstimate(recording);
  showFacts(recording);
  showNotices(recording);
  if (isNew) {
    paper = null;
    if (isReadable) {
      await layOut();
    }
  }
}

/** Shows nothing. */
export function hide() {
  shown = null;
  paper = null;
  section.hidden = true;
}

export const isShown = (recording) => recording === shown;

new ResizeObserver(redraw).observe(canvas);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
