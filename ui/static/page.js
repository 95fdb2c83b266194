// Starts the scripts of the page once Gradio has laid it out.

import { startAddress } from "./address.js";
import { startAsk } from "./ask.js";
import { startCompare } from "./compare.js";
import { startEvidence } from "./evidence.js";
import { whenLaidOut } from "./laid_out.js";
import { startLibrary } from "./library.js";
import { startModels } from "./models.js";
import { startPictures } from "./pictures.js";
import { startQuestions } from "./questions.js";
import { startUploads } from "./uploads.js";
import { startViewer } from "./viewer.js";

function start() {
  startEvidence();
  startPictures();
  startViewer();
  startLibrary();
  startQuestions();
  startUploads();
  startAsk();
  startModels();
  startCompare();
  startAddress();
}

// The bridge is connected before the first tab is there.
whenLaidOut(["bridge", "results", "search-form", "viewer"], start);
