// The address of the page is all it remembers of a search: every act changes it, and what is shown
// follows from it. So it can be shared, and the back button works.

import { whenLaidOut } from "./laid_out.js";

// The tabs in their order, and what is there once one is laid out.
const TABS = {
  search: "search-form", ask: "ask-form", library: "documents-form", questions: "questions-form",
  models: "models",
};
export const FILTERS = ["document", "kind", "tag", "from", "until", "group"];
// Which page is open: to open another asks nothing anew. ("page" Gradio takes for its own.)
export const OPEN_PAGE = "open";

// The address of the search that is shown, and the tab that is open.
let shown = null;
let openTab = null;
// How many searches were asked for, and which of them was answered last.
let asked = 0;
let answered = 0;
// The address that each tab was left at.
const lastAddress = {};

export function readAddress() {
  return new URLSearchParams(location.search);
}

// Goes to where the fields say; `replace` leaves no step for the back button.
export function goTo(fields, { replace = false, state = {} } = {}) {
  const query = fields.toString();
  const address = query ? `/?${query}` : "/";
  if (replace) history.replaceState(history.state, "", address);
  else if (address !== location.pathname + location.search) history.pushState(state, "", address);
  follow();
}

function form() {
  return document.getElementById("search-form");
}

// What the form says, without what it leaves open.
function readForm() {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form()))
    if (typeof value === "string" && value.trim()) fields.append(name, value.trim());
  return fields;
}

// Makes the form say what the address says.
export function fillForm() {
  const fields = readAddress();
  form().dataset.filled = "yes";
  for (const field of form().elements) {
    if (!field.name || field.type === "file") continue;
    const value = fields.get(field.name) ?? "";
    if (field.type === "checkbox") field.checked = value === field.value;
    else if (field.value !== value) {
      // A tag that no document has now: the address asks for it all the same.
      if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === value))
        field.add(new Option(value, value));
      field.value = value;
    }
  }
  const n = FILTERS.filter((name) => fields.get(name)).length;
  const count = form().querySelector(".filters .count");
  count.hidden = n === 0;
  count.textContent = ` (${n})`;
  const picture = fields.get("picture");
  const like = form().querySelector(".asked-like");
  like.hidden = !picture && !fields.get("like");
  like.firstElementChild.textContent = picture
    ? `Like ${picture.split("/").pop()}`
    : fields.get("region") ? "Like a region of a page" : "Like a page";
}

// Shows what the address says.
function follow() {
  const fields = readAddress();
  const tab = Object.hasOwn(TABS, fields.get("tab")) ? fields.get("tab") : "search";
  const page = fields.get(OPEN_PAGE);
  showTab(tab);
  if (tab === "search") {
    if (form()) fillForm();
    fields.delete(OPEN_PAGE);
    // What the library holds may have changed since nothing was asked.
    const isBack = openTab !== null && openTab !== "search" && !fields.toString();
    if (shown !== fields.toString() || isBack) {
      shown = fields.toString();
      search();
    }
  }
  if (tab !== openTab && TABS[tab])
    whenLaidOut([TABS[tab]], () =>
      document.dispatchEvent(new CustomEvent("pagelens:tab", { detail: tab })));
  openTab = tab;
  const here = readAddress();
  here.delete(OPEN_PAGE);
  lastAddress[tab] = here;
  document.dispatchEvent(new CustomEvent("pagelens:page", { detail: page }));
}

function search() {
  asked += 1;
  document.getElementById("results").setAttribute("aria-busy", "true");
  window.pagelens.trigger("search", { address: shown, n: asked });
}

// Answers may come out of order: where an older one comes last, what is wanted is asked for again.
function takeAnswer() {
  const results = document.getElementById("results");
  const n = Number(results.querySelector("[data-n]")?.dataset.n ?? 0);
  if (n === asked) {
    answered = n;
    results.removeAttribute("aria-busy");
  } else if (answered === asked) search();
}

function tabButtons() {
  return [...document.querySelectorAll(".tab-container button[role=tab]")];
}

function showTab(name) {
  const button = tabButtons()[Object.keys(TABS).indexOf(name)];
  if (button?.getAttribute("aria-selected") === "false") button.click();
}

function clickLink(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const target = event.target.closest?.("[data-clear], [data-search], [data-tab], button[role=tab]");
  if (!target) return;
  if (target.dataset.clear) {
    const fields = readAddress();
    for (const name of target.dataset.clear.split(" ")) fields.delete(name);
    goTo(fields);
  } else if (target.dataset.search) {
    event.preventDefault();
    goTo(new URLSearchParams(target.dataset.search));
    window.scrollTo({ top: 0 });
  } else if (target.dataset.tab) {
    event.preventDefault();
    goTo(new URLSearchParams({ tab: target.dataset.tab }));
  } else if (event.isTrusted) {
    const name = Object.keys(TABS)[tabButtons().indexOf(target)];
    goTo(lastAddress[name] ?? new URLSearchParams(name === "search" ? "" : { tab: name }));
  }
}

function focusQuestion(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, dialog[open]")) return;
  event.preventDefault();
  if (openTab !== "search") goTo(new URLSearchParams(shown ?? ""));
  selectQuestion();
}

// What is on a tab that is just being opened takes no focus yet.
export function selectQuestion() {
  const question = document.getElementById("question");
  if (question.offsetParent) question.select();
  else requestAnimationFrame(selectQuestion);
}

// Whoever was quicker than this script has opened a tab already.
function adoptTab() {
  const isOpen = (button) => button.getAttribute("aria-selected") === "true";
  const name = Object.keys(TABS)[tabButtons().findIndex(isOpen)];
  if (name && name !== "search" && !location.search) history.replaceState(null, "", `/?tab=${name}`);
}

export function startAddress() {
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    const fields = readForm();
    // Words replace what else was searched with.
    if (fields.get("q")) for (const name of ["like", "region", "picture"]) fields.delete(name);
    goTo(fields);
  });
  document.addEventListener("change", (event) => {
    // A filter holds at once; the question only when it is sent.
    if (event.target.closest?.(".filters")) goTo(readForm());
  });
  document.addEventListener("click", clickLink);
  document.addEventListener("keydown", focusQuestion);
  window.addEventListener("popstate", follow);
  new MutationObserver(takeAnswer).observe(document.getElementById("results"), {
    childList: true,
    subtree: true,
  });
  // The form is laid out anew when what can be chosen in it has changed.
  new MutationObserver(() => {
    if (form() && !form().dataset.filled) fillForm();
  }).observe(document.getElementById("search-box"), {
    childList: true,
    subtree: true,
  });
  adoptTab();
  follow();
}
