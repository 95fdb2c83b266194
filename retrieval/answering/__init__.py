"""Answers to questions from the best pages: quoted word for word, or written by a model."""
