// The table of several recordings.

const section = document.getElementById("recordings");
const rows = document.getElementById("rows");

function cell(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

function cells({ reading, estimate, error }) {
  const { stated } = reading;
  const statement = [stated.age, stated.sex?.toLowerCase()].filter(Boolean).join(", ");
  if (error) {
    const message = cell("td", error.message);
    message.colSpan = 5;
    message.className = "failed";
    return [message];
  }
  if (!estimate) {
    return [cell("td", "…"), cell("td", ""), cell("td", ""), cell("td", statement), cell("td", "")];
  }
  const { age, sex, notices } = estimate;
  return [
    cell("td", age?.text ?? ""),
    cell("td", age?.range ?? ""),
    cell("td", sex ? `${sex.text}, ${sex.probability}` : ""),
    cell("td", statement),
    cell("td", notices.join(" ")),
  ];
}

function row(recording, isShown, choose) {
  const button = cell("button", recording.reading.file);
  button.type = "button";
  button.addEventListener("click", () => choose(recording));
  const head = document.createElement("th");
  head.scope = "row";
  head.append(button);
  const line = document.createElement("tr");
  line.setAttribute("aria-current", String(isShown));
  line.append(head, ...cells(recording));
  return line;
}

/** Shows the table, where there are several recordings. */
export function showTable(recordings, isShown, choose) {
  section.hidden = recordings.length < 2;
  const focused = [...rows.children].findIndex((line) => line.contains(document.activeElement));
  rows.replaceChildren(...recordings.map((recording) => row(recording, isShown(recording), choose)));
  rows.children[focused]?.querySelector("button").focus();
}
