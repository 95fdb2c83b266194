"""From files to pages to the index: sources, rendering, text layer, OCR, the ingest run."""
