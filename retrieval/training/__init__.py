"""Fine-tunes encoders on questions whose right pages are known."""
