"""Encoding pages, storing their multi-vectors, and finding the right page by MaxSim."""
