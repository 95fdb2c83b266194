// The text of a page beside it: lines as they stand there, what matched marked.

// How much of the lower of two words' heights they share on one line.
const SAME_LINE = 0.4;

// The places of the marks that lie over the page, as boxes in fractions of it.
function readMarks(layer) {
  return [...(layer?.querySelectorAll(".mark") ?? [])].map((mark) => {
    const [left, top, width, height] = ["left", "top", "width", "height"].map(
      (side) => parseFloat(mark.style[side]) / 100);
    return [left, top, left + width, top + height];
  });
}

function isOnLineOf(word, last) {
  const shared = Math.min(word.box[3], last.box[3]) - Math.max(word.box[1], last.box[1]);
  const lower = Math.min(word.box[3] - word.box[1], last.box[3] - last.box[1]);
  return shared > SAME_LINE * lower && word.box[0] >= last.box[0];
}

export function showText(place, words, layer) {
  const marks = readMarks(layer);
  const isMarked = ({ box: [x0, y0, x1, y1] }) => {
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    return marks.some((mark) => mark[0] <= x && x <= mark[2] && mark[1] <= y && y <= mark[3]);
  };
  const lines = [];
  words.forEach((word, i) => {
    if (i && isOnLineOf(word, words[i - 1])) lines.at(-1).push(word);
    else lines.push([word]);
  });
  place.replaceChildren(...lines.map((line) => {
    const shown = document.createElement("p");
    line.forEach((word, i) => {
      if (i) shown.append(" ");
      if (!isMarked(word)) return shown.append(word.text);
      const mark = document.createElement("mark");
      mark.textContent = word.text;
      shown.append(mark);
    });
    return shown;
  }));
  if (!lines.length) place.textContent = "No words were read on this page.";
  place.scrollTop = 0;
}
