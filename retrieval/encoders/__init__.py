"""Encoders: what turns pages and questions into multi-vectors, and their catalog."""
