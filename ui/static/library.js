// The library tab: which documents are listed, and what is done with one of them or with a job.

// How the documents are to be listed: what stands in the fields above them.
function readView() {
  const form = document.getElementById("documents-form");
  return form ? Object.fromEntries(new FormData(form)) : {};
}

function act(what) {
  window.pagelens.trigger("library", { ...what, view: { ...readView(), limit: limit } });
}

let limit = 0;

export function refreshLibrary() {
  act({ act: "list" });
}

function confirmDeletion(button) {
  const dialog = document.getElementById("confirm-delete");
  dialog.querySelector(".what").textContent = button.dataset.name;
  dialog.dataset.id = button.dataset.id;
  dialog.showModal();
}

function editTags(button) {
  const dialog = document.getElementById("edit-tags");
  dialog.querySelector(".what").textContent = button.dataset.name;
  dialog.querySelector("input").value = button.dataset.tags;
  dialog.dataset.id = button.dataset.id;
  dialog.showModal();
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
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-act]");
    if (!button) return;
    const { act: name, id } = button.dataset;
    if (name === "delete") confirmDeletion(button);
    else if (name === "tags") editTags(button);
    else if (name === "more") {
      limit = Number(button.dataset.limit);
      refreshLibrary();
    } else {
      button.disabled = true;
      act({ act: name, id });
    }
  });
  for (const id of ["confirm-delete", "edit-tags"])
    document.getElementById(id).addEventListener("close", (event) => {
      const dialog = event.target;
      if (dialog.returnValue === "yes")
        act({ act: dialog.dataset.does, id: dialog.dataset.id, tags: dialog.querySelector("input")?.value });
      dialog.returnValue = "";
    });
}
