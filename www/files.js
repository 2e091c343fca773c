// Files that a person drops, picks or pastes, folder by folder: what belongs together has the same folder.

/** @typedef {{ file: File, path: string }} Found a file with its path, which is its name where it has no folder */

/** All files below an entry of a drop. */
async function filesBelow(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader gives its entries in parts, an empty one at the end.
  for (let part = [null]; part.length > 0; ) {
    part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    for (const inside of part) {
      found.push(...(await filesBelow(inside)));
    }
  }
  return found;
}

/** @returns {Promise<Found[]>} */
async function filesOf(transfer) {
  const files = [...transfer.files];
  // The list of entries is empty after the event: it is taken before the first wait.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) {
    return files.map(withPath);
  }
  return (await Promise.all(entries.map(filesBelow))).flat();
}

const withPath = (file) => ({ file, path: file.webkitRelativePath || file.name });

/** @param {Found[]} found */
function byFolder(found) {
  const folders = new Map();
  for (const each of found) {
    const folder = each.path.slice(0, each.path.lastIndexOf("/") + 1);
    if (!folders.has(folder)) {
      folders.set(folder, []);
    }
    folders.get(folder).push(each);
  }
  return [...folders.values()];
}

/** No ECG is larger than this; a browser's memory is soon full. */
const LARGEST = 512 * 2 ** 20;

/** @param {Found[]} found */
export const tooLarge = (found) => found.filter(({ file }) => file.size > LARGEST);

/** What the worker reads. */
export function asNamedBytes(found) {
  const read = async ({ file, path }) => {
    try {
      return { name: path, bytes: new Uint8Array(await file.arrayBuffer()) };
    } catch (error) {
      throw new Error(`${path} cannot be read: ${error.message}`);
    }
  };
  return Promise.all(found.map(read));
}

/**
 * Calls `open` with the files of each folder.
 * @param {HTMLElement} zone what lights up where files can be dropped; the whole page takes them
 * @param {HTMLInputElement[]} inputs
 * @param {(folders: Found[][]) => void} open
 * @param {(error: Error) => void} fail called where what was dropped cannot even be listed
 */
export function takeFiles(zone, inputs, open, fail) {
  const take = async (transfer) => {
    try {
      open(byFolder(await filesOf(transfer)));
    } catch (error) {
      fail(new Error(`These files cannot be read: ${error.message}`));
    }
  };
  for (const input of inputs) {
    input.addEventListener("change", () => {
      open(byFolder([...input.files].map(withPath)));
      // The same file can be chosen again.
      input.value = "";
    });
  }
  const isFiles = (event) => event.dataTransfer?.types.includes("Files");
  const light = (event) => {
    if (isFiles(event)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      zone.classList.add("over");
    }
  };
  document.addEventListener("dragenter", light);
  document.addEventListener("dragover", light);
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) {
      zone.classList.remove("over");
    }
  });
  document.addEventListener("drop", (event) => {
    if (isFiles(event)) {
      event.preventDefault();
      zone.classList.remove("over");
      take(event.dataTransfer);
    }
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length > 0) {
      event.preventDefault();
      take(event.clipboardData);
    }
  });
}

/** Offers a text as a file to save. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
