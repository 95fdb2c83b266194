// Searching with a picture: chosen, pasted, or dropped anywhere on the search tab.

import { FILTERS, goTo, readAddress } from "./address.js";

async function searchWith(file) {
  say(`Sending ${file.name} ...`);
  try {
    const sent = await window.pagelens.upload(file);
    const fields = new URLSearchParams(
      [...readAddress()].filter(([name]) => FILTERS.includes(name)));
    fields.set("picture", sent.path.split("/").slice(-2).join("/"));
    goTo(fields);
  } catch (error) {
    say(`${file.name} could not be sent: ${error.message ?? error}`);
  }
}

function say(text) {
  const line = document.querySelector("#search-status .line");
  if (line) line.textContent = text;
}

function takesPictures() {
  return !readAddress().has("tab") && !document.querySelector("dialog[open]");
}

function findPicture(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/"));
}

export function startPictures() {
  document.addEventListener("change", (event) => {
    if (event.target.id !== "picture" || !event.target.files.length) return;
    searchWith(event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    const file = findPicture(event.clipboardData);
    if (!file || !takesPictures()) return;
    event.preventDefault();
    searchWith(file);
  });
  document.addEventListener("dragover", (event) => {
    if (!takesPictures() || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!document.body.classList.contains("dropping")) return;
    event.preventDefault();
    document.body.classList.remove("dropping");
    const file = findPicture(event.dataTransfer);
    if (file) searchWith(file);
    else say("Only a picture can be searched with; documents are added on the Library tab.");
  });
}
