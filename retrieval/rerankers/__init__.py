"""Rerankers: what reads a question and a passage together and scores the pair; their catalog."""
