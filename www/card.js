// The model card: what the networks reached, as the manifest says.

import { element, made, terms } from "./dom.js";

function section({ label, tests }) {
  const parts = tests.map(({ population, figures }) => {
    const list = made("dl", ...terms(figures));
    return [made("p", population), list];
  });
  const content = parts.length > 0 ? parts.flat() : [made("p", "How well it does has not been measured yet.")];
  return made("article", made("h3", label), ...content);
}

export function showCard(networks) {
  element("card").replaceChildren(...networks.map(section));
}
