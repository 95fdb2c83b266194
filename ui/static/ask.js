// The ask tab: sends the question, and looks at its answer until that is whole.

import { goTo, readAddress } from "./address.js";

const LOOK_MS = 200;

// The name of the question whose answer is shown.
let asked = null;

const form = () => document.getElementById("ask-form");

function isOnItsWay() {
  const over = `#ask-answer [data-asked="${asked}"][data-over="yes"]`;
  return asked !== null && !document.querySelector(over);
}

function ask(question) {
  if (isOnItsWay()) window.pagelens.trigger("stop", { name: asked });
  asked = `${Date.now()}-${Math.random()}`;
  window.pagelens.trigger("ask", { question, name: asked });
}

// Goes to the address of a question, and asks it.
function goAndAsk(question) {
  goTo(new URLSearchParams(question ? { tab: "ask", q: question } : { tab: "ask" }));
  ask(question);
}

function look() {
  const isBusy = isOnItsWay();
  const stop = document.getElementById("stop");
  if (stop && stop.hidden === isBusy) stop.hidden = !isBusy;
  if (isBusy) window.pagelens.trigger("look", { name: asked });
}

function click(event) {
  const example = event.target.closest?.("[data-ask]");
  if (event.target.id === "stop") window.pagelens.trigger("stop", { name: asked });
  else if (example && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    document.getElementById("asked").value = example.dataset.ask;
    goAndAsk(example.dataset.ask);
  }
}

export function startAsk() {
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    goAndAsk(document.getElementById("asked").value.trim());
  });
  document.addEventListener("click", click);
  document.addEventListener("pagelens:tab", (event) => {
    const question = readAddress().get("q");
    if (event.detail !== "ask" || !question) return;
    const field = document.getElementById("asked");
    if (field.value === question) return;
    field.value = question;
    // Quotes cost nothing; a model is asked only by whoever means to.
    if (form().dataset.auto) ask(question);
  });
  setInterval(look, LOOK_MS);
}
