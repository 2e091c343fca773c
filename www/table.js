// The table of several recordings. Rows are made once and kept up to date, so that thousands stay quick.

import { element, made } from "./dom.js";

const rows = element("rows");
const headings = [...element("table").querySelectorAll("th[data-key]")];

/** So many rows are added before the browser may breathe. */
const AT_ONCE = 100;

/** By what rows are sorted; what is not known comes last. */
const keys = {
  file: ({ reading }) => reading.file,
  years: ({ estimate }) => estimate?.age?.years,
  difference: ({ reading }) => reading.stated.years,
  female: ({ estimate }) => estimate?.sex?.probabilityFemale,
  stated: ({ reading }) => reading.stated.sex,
  rate: ({ reading }) => reading.heartRate,
  remarks: ({ reading, estimate, error }) => (error ? Infinity : warnings(reading, estimate).length),
};

let recordings = [];
let sorting = { key: null, down: false };

const warnings = (reading, estimate) => (estimate?.notices ?? reading.notices).filter(({ isWarning }) => isWarning);

function cells({ reading, estimate, error }) {
  const { stated, heartRate } = reading;
  if (error) {
    const message = made("td", error.message);
    message.colSpan = 6;
    message.className = "failed";
    return [message];
  }
  const { age, sex } = estimate ?? {};
  const range = age?.range ? made("small", ` (${age.range})`) : "";
  const difference = age?.difference === undefined ? "" : made("small", ` (${signed(age.difference)})`);
  return [
    estimate ? made("td", age ? String(Math.round(age.years)) : "", range) : made("td", "…"),
    made("td", stated.years === undefined ? "" : String(Math.round(stated.years)), difference),
    made("td", sex ? `${sex.text}, ${sex.probability}` : ""),
    made("td", stated.sex ?? ""),
    made("td", heartRate === undefined ? "" : String(Math.round(heartRate))),
    made("td", warnings(reading, estimate).map(({ text }) => text).join(" ")),
  ];
}

const signed = (years) => `${years < 0 ? "−" : "+"}${Math.abs(Math.round(years))}`;

function newRow(recording, choose) {
  const button = made("button", recording.reading.file);
  button.type = "button";
  button.addEventListener("click", () => choose(recording));
  const head = made("th", button);
  head.scope = "row";
  recording.row = made("tr", head);
  update(recording);
}

/** Brings the row of a recording up to date. */
export function update(recording) {
  const { row } = recording;
  row?.replaceChildren(row.firstChild, ...cells(recording));
}

/** Adds recordings to the table, which is shown where there are several; ends where the table is emptied meanwhile. */
export async function add(added, choose) {
  const filled = recordings;
  for (let start = 0; start < added.length; start += AT_ONCE) {
    const some = added.slice(start, start + AT_ONCE);
    some.forEach((recording) => newRow(recording, choose));
    recordings.push(...some);
    rows.append(...some.map(({ row }) => row));
    element("recordings").hidden = recordings.length < 2;
    await new Promise((resolve) => setTimeout(resolve));
    if (filled !== recordings) {
      return;
    }
  }
  sort();
}

export function empty() {
  recordings = [];
  rows.replaceChildren();
  element("recordings").hidden = true;
}

/** Marks the row of the recording on show. */
export function markRow(shown) {
  rows.querySelector("[aria-current]")?.removeAttribute("aria-current");
  shown?.row?.setAttribute("aria-current", "true");
}

function compare(first, second) {
  const [a, b] = [first, second].map(keys[sorting.key]);
  if (a === undefined || b === undefined) {
    return (a === undefined) - (b === undefined);
  }
  const order = typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  return sorting.down ? -order : order;
}

function sort() {
  if (sorting.key) {
    const focused = document.activeElement;
    rows.append(...[...recordings].sort(compare).map(({ row }) => row));
    focused?.focus();
  }
}

for (const heading of headings) {
  heading.firstElementChild.addEventListener("click", () => {
    const { key } = heading.dataset;
    sorting = { key, down: sorting.key === key && !sorting.down };
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    sort();
  });
}

/** To be called once what rows are sorted by has changed. */
export { sort as sortAgain };
