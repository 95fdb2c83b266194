// What is lit up on the pages: all that matched, nothing, or one word of the question.

export const ALL = "-1";
export const NONE = "-2";

// Shows the evidence of one choice, ALL, NONE or a word's place, on every page below an element.
export function chooseEvidence(below, choice) {
  for (const layer of below.querySelectorAll(".evidence")) {
    layer.classList.toggle("one-word", choice !== ALL);
    for (const part of layer.children) {
      // Marks of all words are those of each; of heat there is a picture for all together.
      const ofAll = part.classList.contains("heat") ? part.dataset.word === ALL : true;
      part.hidden = choice === NONE || !(choice === ALL ? ofAll : part.dataset.word === choice);
    }
  }
}

export function startEvidence() {
  document.addEventListener("change", (event) => {
    if (event.target.name === "evidence")
      chooseEvidence(document.getElementById("results"), event.target.value);
  });
}
