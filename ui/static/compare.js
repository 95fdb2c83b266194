// Ways to search that are compared: what is begun or cancelled, and how far that is.

import { whenLaidOut } from "./laid_out.js";

// How often it is looked at how far a comparison is.
const POLL_MS = 1000;

function act(what) {
  window.pagelens.trigger("compare", what);
}

function begin(form) {
  const written = new FormData(form);
  const names = [...new Set(written.keys())];
  act({ act: "start", form: Object.fromEntries(names.map((name) => [name, written.getAll(name)])) });
}

// The form makes room for the button that cancels, and back; who is at one goes on at the other.
function turn(isActive) {
  const [form, cancel] = ["compare-form", "compare-cancel"].map((id) => document.getElementById(id));
  if (!form || form.hidden === isActive) return;
  const [going, coming] = isActive ? [form, cancel] : [cancel, form];
  const hadFocus = going.contains(document.activeElement);
  going.hidden = true;
  coming.hidden = false;
  if (hadFocus) coming.querySelector("button").focus();
}

function isUnderWay() {
  return Boolean(document.querySelector("#compare-run [data-active]"));
}

function follow() {
  setInterval(() => {
    const isActive = isUnderWay();
    turn(isActive);
    if (isActive) window.pagelens.trigger("comparing");
  }, POLL_MS);
}

export function startCompare() {
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "compare-form") return;
    event.preventDefault();
    begin(event.target);
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-compare-act]");
    if (target) act({ act: target.dataset.compareAct });
  });
  whenLaidOut(["compare-run", "compare-box"], () =>
    new MutationObserver(() => turn(isUnderWay())).observe(document.getElementById("compare-run"), {
      childList: true,
      subtree: true,
    }));
  follow();
}
