// The ask tab: sends the question, and lets an answer that is on its way be stopped.

import { goTo, readAddress } from "./address.js";

const form = () => document.getElementById("ask-form");

function ask(question) {
  window.pagelens.trigger("stop");
  window.pagelens.trigger("ask", { question });
}

function showStop() {
  const isBusy = Boolean(document.querySelector('#ask-answer .answer[aria-busy="true"]'));
  const stop = document.getElementById("stop");
  if (stop && stop.hidden === isBusy) stop.hidden = !isBusy;
}

export function startAsk() {
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    event.preventDefault();
    const question = document.getElementById("asked").value.trim();
    goTo(new URLSearchParams(question ? { tab: "ask", q: question } : { tab: "ask" }));
    ask(question);
  });
  document.addEventListener("click", (event) => {
    if (event.target.id !== "stop") return;
    window.pagelens.trigger("stop");
    document.querySelector("#ask-answer .answer")?.setAttribute("aria-busy", "false");
    showStop();
  });
  document.addEventListener("pagelens:tab", (event) => {
    const question = readAddress().get("q");
    if (event.detail !== "ask" || !question || !form()) return;
    const field = document.getElementById("asked");
    if (field.value === question) return;
    field.value = question;
    // Quotes cost nothing; a model is asked only by whoever means to.
    if (form().dataset.auto) ask(question);
  });
  setInterval(showStop, 200);
}
