// Keeps the page for when there is no network, and tells of a new version.

import { element } from "./dom.js";

function offer(waiting) {
  element("update").hidden = false;
  element("update-now").addEventListener("click", () => waiting.postMessage("use now"), { once: true });
}

async function register() {
  const wasControlled = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => wasControlled && location.reload());
  const registration = await navigator.serviceWorker.register(new URL("../service-worker.js", import.meta.url));
  if (registration.waiting && wasControlled) {
    offer(registration.waiting);
  }
  registration.addEventListener("updatefound", () => {
    const found = registration.installing;
    found.addEventListener("statechange", () => {
      if (found.state === "installed" && wasControlled) {
        offer(found);
      }
    });
  });
}

/** Pages that are not served over https or by this computer do without. */
export function keepForOffline() {
  if ("serviceWorker" in navigator) {
    register().catch((error) => console.warn("The page is not kept for offline use:", error.message));
  }
}
