// The library tab: which documents are listed, and what is done with one of them or with a job.

// How often jobs are looked at while one is under way.
const POLL_MS = 1000;

// How many documents are listed at most; more when asked for.
let limit = 0;

function act(what) {
  const form = document.getElementById("documents-form");
  const view = form ? Object.fromEntries(new FormData(form)) : {};
  window.pagelens.trigger("library", { ...what, view: { ...view, limit } });
}

export function refreshLibrary() {
  act({ act: "list" });
}

// Opens a dialog about a document; what it asks is done when it is closed with "yes".
function askAbout(dialog, button) {
  dialog.querySelector(".what").textContent = button.dataset.name;
  dialog.dataset.id = button.dataset.id;
  const field = dialog.querySelector("input");
  if (field) field.value = button.dataset.tags;
  dialog.showModal();
  field?.focus();
}

function click(event) {
  const target = event.target.closest?.("[data-act], [data-filter-tag]");
  if (!target) return;
  const { act: name, id, filterTag } = target.dataset;
  if (filterTag !== undefined) {
    event.preventDefault();
    document.querySelector("#documents-form [name=tag]").value = filterTag;
    refreshLibrary();
  } else if (name === "delete") askAbout(document.getElementById("confirm-delete"), target);
  else if (name === "tags") askAbout(document.getElementById("edit-tags"), target);
  else if (name === "more") {
    limit = Number(target.dataset.limit);
    refreshLibrary();
  } else {
    target.disabled = true;
    act({ act: name, id });
  }
}

// Which button of a job has the focus: the list is laid out anew each time, and it stays there.
let at = null;

function keepFocus() {
  const button = document.activeElement?.closest?.("#jobs [data-act]");
  if (button) at = { ...button.dataset };
  else if (document.activeElement !== document.body) at = null;
  else if (at) document.querySelector(`#jobs [data-act="${at.act}"][data-id="${at.id}"]`)?.focus();
}

function followJobs() {
  let wasActive = false;
  setInterval(() => {
    const isActive = Boolean(document.querySelector("#jobs [data-active]"));
    keepFocus();
    if (isActive) window.pagelens.trigger("jobs");
    // What has been added is listed as soon as the last job is done.
    else if (wasActive) refreshLibrary();
    wasActive = isActive;
  }, POLL_MS);
}

export function startLibrary() {
  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("#documents-form")) return;
    clearTimeout(typing);
    typing = setTimeout(refreshLibrary, 200);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "documents-form") return;
    event.preventDefault();
    refreshLibrary();
  });
  document.addEventListener("click", click);
  document.addEventListener("pagelens:tab", (event) => {
    if (event.detail === "library") refreshLibrary();
  });
  // The event of a dialog that is closed does not bubble.
  document.addEventListener("close", ({ target: dialog }) => {
    const { does, id } = dialog.dataset ?? {};
    if (!does) return;
    // The button that opened it goes with its document.
    if (dialog.returnValue === "yes" && does === "delete")
      document.querySelector("#documents-form [name=contains]").focus();
    if (dialog.returnValue === "yes") act({ act: does, id, tags: dialog.querySelector("input")?.value });
    dialog.returnValue = "";
  }, { capture: true });
  followJobs();
}
