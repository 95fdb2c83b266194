"""The REST API: FastAPI over the `Library`, one module for each thing that it offers."""
