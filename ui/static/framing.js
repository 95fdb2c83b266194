// Drawing a box on the page in the viewer, to search for what is like that region.

// Smaller boxes, as parts of the page, are clicks.
const SMALLEST = 0.01;

// Calls `search` with the region, [x0, y0, x1, y1] in fractions of the page from its top left.
export function startFraming(viewer, search) {
  const part = (selector) => viewer.querySelector(selector);
  const stage = part(".stage");
  let corner = null;
  let region = null;

  function place(event) {
    const sheet = part(".sheet").getBoundingClientRect();
    const clip = (x) => Math.min(1, Math.max(0, x));
    return [clip((event.clientX - sheet.left) / sheet.width), clip((event.clientY - sheet.top) / sheet.height)];
  }

  function show() {
    const frame = part(".frame");
    frame.hidden = region === null;
    part(".framed").hidden = region === null || corner !== null;
    if (region === null) return;
    const [x0, y0, x1, y1] = region.map((x) => 100 * x);
    frame.style.cssText = `left:${x0}%;top:${y0}%;width:${x1 - x0}%;height:${y1 - y0}%`;
  }

  function setFraming(isOn) {
    viewer.classList.toggle("framing", isOn);
    part(".frame-region").setAttribute("aria-pressed", isOn);
    region = corner = null;
    show();
  }

  part(".frame-region").addEventListener("click", () => setFraming(!viewer.classList.contains("framing")));
  viewer.addEventListener("pagelens:turned", () => setFraming(false));
  stage.addEventListener("pointerdown", (event) => {
    if (!viewer.classList.contains("framing") || event.button || event.target.closest("a, button")) return;
    event.preventDefault();
    corner = place(event);
    region = null;
    stage.setPointerCapture(event.pointerId);
    show();
  });
  stage.addEventListener("pointermove", (event) => {
    if (!corner) return;
    const [x, y] = place(event);
    region = [Math.min(corner[0], x), Math.min(corner[1], y), Math.max(corner[0], x), Math.max(corner[1], y)];
    show();
  });
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, () => {
      corner = null;
      if (region && (region[2] - region[0] < SMALLEST || region[3] - region[1] < SMALLEST)) region = null;
      show();
    });
  part(".like-region").addEventListener("click", (event) => {
    event.preventDefault();
    if (region) search(region);
  });
}
