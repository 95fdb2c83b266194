// The page viewer: one page large, sharp at every zoom, with its evidence and its text beside it.

import { goTo, OPEN_PAGE, readAddress, selectQuestion } from "./address.js";
import { ALL, chooseEvidence, NONE } from "./evidence.js";
import { startFraming } from "./framing.js";
import { showText } from "./page_text.js";

const MAX_ZOOM = 8;
const ZOOM_STEP = 1.4;
// Widths that the page is rendered at, in pixels; a few, so that they are found in caches.
const WIDTHS_PX = [640, 1024, 1600, 2400, 3200, 4096];

// What is shown: {id, number, of} of the page, its zoom (1: all of it is seen) and its proportions.
let shown = null;
let zoom = 1;
let ratio = 0.7;
let documents = new Map();

// Where the pages stand that were found, on the tab that is open.
const found = () =>
  document.getElementById(readAddress().get("tab") === "ask" ? "ask-answer" : "results");
const dialog = () => document.getElementById("viewer");
const part = (selector) => dialog().querySelector(selector);
const route = () => `/api/v1/documents/${shown.id}`;
const pageName = (number = shown.number) => `${shown.id}.${number}`;

function openPage(name) {
  const [, id, number] = /^([0-9a-f]{64})\.([1-9]\d*)$/.exec(name ?? "") ?? [];
  if (!id) {
    if (dialog().open) dialog().close();
    shown = null;
    return;
  }
  if (shown?.id === id && shown.number === Number(number) && dialog().open) return;
  shown = { id, number: Number(number) };
  if (!dialog().open) {
    dialog().showModal();
    part(".stage").focus();
  }
  showPage();
}

function findCard() {
  return found()?.querySelector(`.card[data-page="${pageName()}"]`);
}

async function showPage() {
  const page = shown;
  const card = findCard();
  zoom = 1;
  part(".trouble").hidden = true;
  part("#viewer-title").textContent = card?.querySelector("h3, .label")?.textContent ?? "";
  part(".at").textContent = `page ${page.number.toLocaleString("en")}`;
  part(".like-page").href = `/?like=${pageName()}`;
  part(".copy-link").href = location.href;
  part(".download").href = `${route()}/original`;
  for (const step of dialog().querySelectorAll("[data-turn]")) step.disabled = true;
  lightUp(card);
  if (!card) waitForCard(page);
  const picture = part("img.page");
  const cardPicture = card?.querySelector("img.page");
  if (cardPicture) ratio = cardPicture.width / cardPicture.height;
  // Something is seen at once, and the sharp picture as soon as it has come.
  picture.src = cardPicture?.currentSrc || `${route()}/pages/${page.number}/image`;
  layOut();
  dialog().dispatchEvent(new Event("pagelens:turned"));
  try {
    if (!documents.has(page.id)) documents.set(page.id, await ask(route()));
    if (page !== shown) return;
    const known = documents.get(page.id);
    page.of = known.pages;
    part("#viewer-title").textContent = known.name;
    part(".at").textContent = `page ${page.number.toLocaleString("en")} of ${known.pages.toLocaleString("en")}`;
    picture.alt = `${known.name}, page ${page.number}`;
    for (const step of dialog().querySelectorAll("[data-turn]"))
      step.disabled = !isPage(page.number + Number(step.dataset.turn));
    page.words = (await ask(`${route()}/pages/${page.number}/words`)).words;
    if (page === shown) showText(part(".text"), page.words, part(".sheet .evidence"));
  } catch (error) {
    if (page !== shown) return;
    const name = documents.get(page.id)?.name ?? part("#viewer-title").textContent;
    documents.delete(page.id);
    const isGone = error.status === 404 && name;
    part(".trouble").textContent = isGone ? `This page of ${name} is no longer in the library.` : error.message;
    part(".trouble").hidden = false;
    part(".text").replaceChildren();
  }
}

async function ask(path) {
  const answer = await fetch(path);
  const content = await answer.json();
  if (!answer.ok)
    throw Object.assign(new Error(content.error?.message ?? `status ${answer.status}`), {
      status: answer.status,
    });
  return content;
}

function isPage(number) {
  return number >= 1 && number <= (shown.of ?? 1);
}

function turn(step) {
  if (!shown || !isPage(shown.number + step)) return;
  const fields = readAddress();
  fields.set(OPEN_PAGE, pageName(shown.number + step));
  goTo(fields, { replace: true });
}

// Lays over the page what lies over its card among the results.
function lightUp(card) {
  part(".sheet .evidence")?.remove();
  const layer = card?.querySelector(".evidence")?.cloneNode(true);
  const choices = part(".words");
  const known = found().querySelector(".words");
  choices.hidden = !layer || !known;
  if (choices.hidden) return;
  part(".sheet").append(layer);
  const chosen = known.querySelector("input:checked").value;
  // Under the same name the two would be one group of choices, with one choice in all.
  const copy = known.cloneNode(true);
  for (const choice of copy.querySelectorAll("input")) {
    choice.name = "viewer-evidence";
    choice.checked = choice.value === chosen;
  }
  choices.replaceChildren(...copy.children);
  chooseEvidence(part(".sheet"), chosen);
}

// A link to a page opens it before the search is answered that it was found by.
function waitForCard(page) {
  new MutationObserver((_, observer) => {
    if (page !== shown) return observer.disconnect();
    const card = findCard();
    if (!card?.querySelector(".evidence")) return;
    observer.disconnect();
    lightUp(card);
    if (page.words) showText(part(".text"), page.words, part(".sheet .evidence"));
  }).observe(document.body, { childList: true, subtree: true });
}

function toggleEvidence() {
  const current = part(".words input:checked");
  const wanted = part(`.words input[value="${current?.value === NONE ? ALL : NONE}"]`);
  wanted?.click();
}

// Gives the page its size on the screen, and asks for it as sharp as that needs.
function layOut() {
  const stage = part(".stage");
  const [width, height] = [stage.clientWidth - 32, stage.clientHeight - 32];
  if (width <= 0 || height <= 0) return;
  const fit = Math.min(width, height * ratio);
  const sheet = part(".sheet");
  sheet.style.width = `${fit * zoom}px`;
  sheet.style.height = `${(fit * zoom) / ratio}px`;
  part("output").textContent = `${Math.round(100 * zoom)} %`;
  sharpen(fit * zoom * devicePixelRatio);
}

function sharpen(width) {
  const wanted = WIDTHS_PX.find((step) => step >= width) ?? WIDTHS_PX.at(-1);
  const picture = part("img.page");
  const source = `${route()}/pages/${shown.number}/image?width=${wanted}`;
  const page = shown;
  if (page.width >= wanted) return;
  page.width = wanted;
  const sharp = new Image();
  sharp.src = source;
  sharp.decode().then(() => {
    if (page !== shown || page.width !== wanted) return;
    picture.src = source;
  }, () => {});
}

// Zooms so that the place under the pointer, or in the middle, stays where it is.
function zoomTo(wanted, at = null) {
  const stage = part(".stage");
  const box = stage.getBoundingClientRect();
  const sheet = part(".sheet").getBoundingClientRect();
  const x = at?.clientX ?? box.left + stage.clientWidth / 2;
  const y = at?.clientY ?? box.top + stage.clientHeight / 2;
  const place = [(x - sheet.left) / sheet.width, (y - sheet.top) / sheet.height];
  zoom = Math.min(MAX_ZOOM, Math.max(1, wanted));
  layOut();
  const now = part(".sheet").getBoundingClientRect();
  stage.scrollLeft += now.left + place[0] * now.width - x;
  stage.scrollTop += now.top + place[1] * now.height - y;
}

function close() {
  // The step that opened the viewer is taken back; a link that led here has none.
  if (history.state?.opened) history.back();
  else {
    const fields = readAddress();
    fields.delete(OPEN_PAGE);
    goTo(fields, { replace: true });
  }
}

function leaveToSearch() {
  dialog().addEventListener("close", selectQuestion, { once: true });
  close();
}

function startPanning() {
  const stage = part(".stage");
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button || dialog().classList.contains("framing")) return;
    if (event.target.closest("a, button")) return;
    from = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!from) return;
    stage.scrollLeft = from.x - event.clientX;
    stage.scrollTop = from.y - event.clientY;
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => (from = null));
  stage.addEventListener("dblclick", (event) => zoomTo(zoom > 1 ? 1 : 2.5, event));
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomTo(zoom * Math.exp(-event.deltaY / 300), event);
  }, { passive: false });
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isChoice = event.target.closest("input");
  const act = {
    ArrowLeft: () => turn(-1),
    ArrowRight: () => turn(1),
    "+": () => zoomTo(zoom * ZOOM_STEP),
    "=": () => zoomTo(zoom * ZOOM_STEP),
    "-": () => zoomTo(zoom / ZOOM_STEP),
    0: () => zoomTo(1),
    e: toggleEvidence,
    "/": leaveToSearch,
  }[event.key];
  if (!act || (isChoice && event.key.startsWith("Arrow"))) return;
  // A page that is zoomed in is moved before it is turned.
  if (event.key.startsWith("Arrow") && zoom > 1 && event.target.closest(".stage")) return;
  event.preventDefault();
  act();
}

async function copyLink(event) {
  event.preventDefault();
  const link = part(".copy-link");
  try {
    await navigator.clipboard.writeText(link.href);
    link.textContent = "Copied";
  } catch {
    link.textContent = "Copy it from the address bar";
  }
  setTimeout(() => (link.textContent = "Copy link"), 2000);
}

export function startViewer() {
  const viewer = dialog();
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const fields = readAddress();
    fields.set(OPEN_PAGE, link.dataset.open);
    goTo(fields, { state: { opened: true } });
  });
  document.addEventListener("pagelens:page", (event) => openPage(event.detail));
  viewer.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  viewer.addEventListener("click", (event) => {
    const button = event.target.closest("button, a");
    if (event.target === viewer || button?.matches(".close")) close();
    else if (button?.dataset.turn) turn(Number(button.dataset.turn));
    else if (button?.dataset.zoom)
      zoomTo({ in: zoom * ZOOM_STEP, out: zoom / ZOOM_STEP, fit: 1 }[button.dataset.zoom]);
    else if (button?.matches(".copy-link")) copyLink(event);
    else if (button?.matches(".like-page")) {
      event.preventDefault();
      goTo(new URLSearchParams({ like: pageName() }));
    } else if (button?.matches(".text-toggle")) {
      const isShown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", isShown);
      viewer.classList.toggle("without-text", !isShown);
      layOut();
    }
  });
  viewer.addEventListener("change", (event) => {
    if (event.target.name === "viewer-evidence") chooseEvidence(part(".sheet"), event.target.value);
  });
  viewer.addEventListener("keydown", press);
  part("img.page").addEventListener("load", (event) => {
    const { naturalWidth, naturalHeight } = event.target;
    if (!naturalWidth || Math.abs(naturalWidth / naturalHeight - ratio) < 0.01) return;
    ratio = naturalWidth / naturalHeight;
    layOut();
  });
  new ResizeObserver(() => shown && layOut()).observe(part(".stage"));
  startPanning();
  startFraming(viewer, (region) => {
    goTo(new URLSearchParams({ like: pageName(), region: region.map((x) => x.toFixed(4)).join(",") }));
  });
}
