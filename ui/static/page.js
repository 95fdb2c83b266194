// Starts the scripts of the page once Gradio has laid it out.

import { startAddress } from "./address.js";
import { startEvidence } from "./evidence.js";
import { startPictures } from "./pictures.js";
import { startViewer } from "./viewer.js";

function start() {
  startEvidence();
  startPictures();
  startViewer();
  startAddress();
}

if (window.pagelens) start();
else document.addEventListener("pagelens:ready", start, { once: true });
