// Files and folders on their way from the browser to the library; what becomes of them then is told
// by their jobs, which the server knows.

import { refreshLibrary } from "./library.js";

// At once, so that a folder of thousands does not open thousands of connections.
const AT_ONCE = 3;

const waiting = [];
let nUnderWay = 0;

// All files of what was dropped, folders with what is below them: {file, path}.
async function readDropped(items) {
  const files = [...items].filter((item) => item.kind === "file");
  // Both must be asked for before anything is waited for; what is no file of a disk has no entry.
  const entries = files.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = files
    .filter((item) => !item.webkitGetAsEntry?.())
    .map((item) => item.getAsFile())
    .map((file) => ({ file, path: file.name }));
  async function visit(entry, above) {
    const path = above ? `${above}/${entry.name}` : entry.name;
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path });
      return;
    }
    const reader = entry.createReader();
    // A folder is read some entries at a time.
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const each of some) await visit(each, path);
    }
  }
  for (const entry of entries) await visit(entry, "");
  return found;
}

function add(files) {
  const tags = document.getElementById("upload-tags").value.split(",").map((tag) => tag.trim());
  for (const { file, path } of files) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = path;
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.setAttribute("aria-label", `Sending ${path}`);
    const state = document.createElement("span");
    state.className = "state";
    state.textContent = "waiting";
    row.append(name, bar, state);
    list().append(row);
    waiting.push({ file, path, tags: tags.filter(Boolean), row, bar, state });
  }
  sendNext();
}

function list() {
  return document.getElementById("uploads");
}

function sendNext() {
  while (nUnderWay < AT_ONCE && waiting.length) send(waiting.shift());
}

function send(upload) {
  nUnderWay += 1;
  const form = new FormData();
  form.append("files", upload.file, upload.file.name);
  for (const tag of upload.tags) form.append("tags", tag);
  // A file of the same place and name is a later version of it.
  const origin = new URLSearchParams({ origin: upload.path });
  const request = new XMLHttpRequest();
  request.open("POST", `/api/v1/documents?${origin}`);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    upload.bar.value = event.loaded / event.total;
    upload.state.textContent = `${Math.floor((100 * event.loaded) / event.total)} % sent`;
  });
  request.addEventListener("loadend", () => {
    nUnderWay -= 1;
    if (request.status === 202) {
      upload.row.remove();
      refreshLibrary();
    } else fail(upload, request.response?.error?.message ?? "the server did not answer");
    sendNext();
  });
  upload.state.textContent = "sending";
  request.send(form);
}

function fail(upload, reason) {
  upload.row.classList.add("failed");
  upload.bar.remove();
  upload.state.textContent = reason;
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Try again";
  again.addEventListener("click", () => {
    upload.row.remove();
    add([upload]);
  });
  const dismiss = document.createElement("button");
  dismiss.type = "button";
  dismiss.className = "quiet";
  dismiss.textContent = "Dismiss";
  dismiss.addEventListener("click", () => upload.row.remove());
  upload.row.append(again, dismiss);
}

export function startUploads() {
  const zone = () => document.getElementById("drop-zone");
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("#choose-files, #choose-folder")) return;
    const files = [...event.target.files].filter((file) => !file.name.startsWith("."));
    add(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    if (!zone()?.offsetParent || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone().classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone()?.classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    if (!zone()?.offsetParent || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone().classList.remove("over");
    add(await readDropped(event.dataTransfer.items));
  });
  // What is still being sent would be lost.
  window.addEventListener("beforeunload", (event) => {
    if (nUnderWay || waiting.length) event.preventDefault();
  });
}
