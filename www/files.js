// Files that a person drops or picks, folder by folder: companions have the same folder.

/** Files in a map from their folder's path. */
function byFolder(files, folderOf) {
  const folders = new Map();
  for (const file of files) {
    const folder = folderOf(file);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders.values()];
}

/** All files below an entry of a drop. */
async function filesBelow(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    // In a folder, what is no ECG is passed over; the name tells that it lies in one.
    file.path = entry.fullPath.slice(1);
    return [{ file, folder: entry.fullPath.slice(0, -entry.name.length) }];
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

/** @returns {Promise<File[][]>} */
async function dropped(transfer) {
  // The list of entries is empty after the event: it is taken before the first wait.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) {
    return [[...transfer.files]];
  }
  const found = (await Promise.all(entries.map(filesBelow))).flat();
  return byFolder(found, ({ folder }) => folder).map((files) => files.map(({ file }) => file));
}

/** What the worker reads. */
export function asNamedBytes(files) {
  const read = async (file) => ({ name: file.path ?? file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  return Promise.all(files.map(read));
}

/**
 * Calls `open` with the files of each folder.
 * @param {HTMLElement} zone what lights up where files can be dropped; the whole page takes them
 * @param {HTMLInputElement} input
 * @param {(folders: File[][]) => void} open
 */
export function takeFiles(zone, input, open) {
  input.addEventListener("change", () => {
    open([[...input.files]]);
    // The same file can be chosen again.
    input.value = "";
  });
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
  document.addEventListener("drop", async (event) => {
    if (isFiles(event)) {
      event.preventDefault();
      zone.classList.remove("over");
      open(await dropped(event.dataTransfer));
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
