// A few words that the other modules speak with the document.

export const element = (id) => document.getElementById(id);

/** Sets a text; hides the element where there is none. */
export function say(id, text) {
  element(id).textContent = text ?? "";
  element(id).hidden = !text;
}

/** A new element with a text or other elements in it. */
export function made(tag, ...content) {
  const created = document.createElement(tag);
  created.append(...content);
  return created;
}

/** Terms and what they are. */
export function terms(facts) {
  return facts.map(({ name, value }) => made("div", made("dt", name), made("dd", value)));
}
