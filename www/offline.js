// Keeps the page for when there is no network, and tells of a new version.

import { element } from "./dom.js";

/** Whether another version than this page's is in use. */
let outdated = false;

export const isOutdated = () => outdated;

/** What a click on the offer does; null where nothing is offered. */
let take = null;

function offer(text, button, work) {
  take = work;
  element("update-text").textContent = text;
  element("update-now").textContent = button;
  element("update").hidden = false;
}

const offerNew = (waiting, beforeUse) =>
  offer("A new version of this page is ready.", "Use it now", () => {
    beforeUse();
    waiting.postMessage("use now");
  });

async function register() {
  // The first version takes a page that came without one.
  let isControlled = Boolean(navigator.serviceWorker.controller);
  let isWanted = false;
  const want = () => (isWanted = true);
  element("update-now").addEventListener("click", () => take?.());
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (!isControlled) {
      isControlled = true;
      return;
    }
    outdated = true;
    // Another tab may have asked for it: what is opened in this one stays until its own visitor says so.
    if (isWanted || !document.body.classList.contains("in-use")) {
      location.reload();
    } else {
      offer("A new version of this page is in use. Opened recordings are closed where it is loaded.", "Load it", () => location.reload());
    }
  });
  const registration = await navigator.serviceWorker.register(new URL("../service-worker.js", import.meta.url), {
    updateViaCache: "none",
  });
  if (registration.waiting && isControlled) {
    offerNew(registration.waiting, want);
  }
  const watch = (found) =>
    found?.addEventListener("statechange", () => {
      if (found.state === "installed" && isControlled) {
        offerNew(found, want);
      }
    });
  watch(registration.installing);
  registration.addEventListener("updatefound", () => watch(registration.installing));
  await navigator.serviceWorker.ready;
}

/** When the browser has nothing better to do; not every browser tells. */
const whenIdle = (work) => (globalThis.requestIdleCallback ?? setTimeout)(work);

/**
 * Pages that are not served over https or by this computer do without.
 * @param {() => void} fetchTheRest called once the page itself is kept, unless the visitor's browser saves data
 */
export function keepForOffline(fetchTheRest) {
  if (!("serviceWorker" in navigator)) {
    return;
  }
  const keep = async () => {
    await register();
    if (!navigator.connection?.saveData) {
      whenIdle(() => fetchTheRest());
    }
  };
  keep().catch((error) => console.warn("The page is not kept for offline use:", error.message));
}
