// The library's own evaluation set: which page is right for a search, and the questions tab.

import { whenLaidOut } from "./laid_out.js";

// How often it is looked at how far proposing is.
const POLL_MS = 1000;

// How many questions are listed at most; more when asked for.
let limit = 0;
// The place in the list of the question that was acted on last: the list is laid out anew, and who
// goes through it by keyboard goes on there.
let at = null;

function act(what) {
  const form = document.getElementById("questions-form");
  const view = form ? Object.fromEntries(new FormData(form)) : {};
  window.pagelens.trigger("questions", { ...what, view: { ...view, limit } });
}

function refresh() {
  act({ act: "list" });
}

// Says which page is right for a search, or takes it back.
async function mark(button) {
  const isRight = button.getAttribute("aria-pressed") === "true";
  const [documentId, page] = button.dataset.mark.split(".");
  button.disabled = true;
  const answer = await fetch("/api/v1/questions/mark", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      text: button.dataset.question,
      document_id: documentId,
      page: Number(page),
      relevance: isRight ? null : 1,
    }),
  }).catch(() => null);
  button.disabled = false;
  button.focus();
  if (answer?.ok) {
    button.setAttribute("aria-pressed", String(!isRight));
    return;
  }
  const told = await answer?.json().catch(() => null);
  button.title = told?.error?.message ?? "The server does not answer.";
  const status = document.querySelector("#search-status .line");
  if (status) status.textContent = button.title;
}

// Opens a dialog about a question; what it asks is done when it is closed with "yes".
function askAbout(dialog, { id, text }) {
  Object.assign(dialog.dataset, { id, text });
  const [what, field] = [dialog.querySelector(".what"), dialog.querySelector("input")];
  if (what) what.textContent = text;
  if (field) field.value = text;
  dialog.showModal();
  field?.select();
}

function click(event) {
  const right = event.target.closest?.("[data-mark]");
  if (right) return mark(right);
  const target = event.target.closest?.("[data-question-act]");
  if (!target) return;
  const { questionAct: name, id, text, page, by, unchecked } = target.dataset;
  const line = target.closest(".questions > li");
  at = line ? [...line.parentElement.children].indexOf(line) : null;
  if (name === "edit") askAbout(document.getElementById("edit-question"), { id, text });
  else if (name === "delete" && !unchecked)
    askAbout(document.getElementById("delete-question"), { id, text });
  else if (name === "more") {
    limit = Number(target.dataset.limit);
    refresh();
  } else {
    target.disabled = true;
    act({ act: name, id, text, page, by });
    // A button that is not laid out anew.
    if (name === "propose") setTimeout(() => (target.disabled = false), POLL_MS);
  }
}

function keepPlace() {
  const lines = document.querySelectorAll("#questions .questions > li");
  if (at === null || !lines.length || document.activeElement !== document.body) return;
  lines[Math.min(at, lines.length - 1)].querySelector(".acts button")?.focus();
  at = null;
}

function followProposals() {
  let wasActive = false;
  setInterval(() => {
    const isActive = Boolean(document.querySelector("#proposals [data-active]"));
    if (isActive) window.pagelens.trigger("proposals");
    else if (wasActive) refresh();
    wasActive = isActive;
  }, POLL_MS);
}

export function startQuestions() {
  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("#questions-form")) return;
    clearTimeout(typing);
    typing = setTimeout(refresh, 200);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "questions-form") return;
    event.preventDefault();
    refresh();
  });
  document.addEventListener("click", click);
  document.addEventListener("pagelens:tab", (event) => {
    if (event.detail === "questions") refresh();
  });
  // The event of a dialog that is closed does not bubble.
  document.addEventListener("close", ({ target: dialog }) => {
    const { questionDoes, id, text } = dialog.dataset ?? {};
    if (questionDoes && dialog.returnValue === "yes") {
      const written = dialog.querySelector("input")?.value;
      act({ act: questionDoes, id, text: written ?? text });
    }
    if (questionDoes) dialog.returnValue = "";
  }, { capture: true });
  whenLaidOut(["questions"], () =>
    new MutationObserver(keepPlace).observe(document.getElementById("questions"), {
      childList: true,
      subtree: true,
    }));
  followProposals();
}
