"""What keeps a model from being trained."""

from __future__ import annotations

from retrieval.errors.base import PagelensError


class NotTrainable(PagelensError):
    """A model is of a kind that is not trained here."""

    exit_code = 2
    remedy = (
        "minilm-layout, the ColPali family of colpali-engine and dense sentence-transformers "
        "checkpoints are trained."
    )


class TooFewQuestions(PagelensError):
    """There are not enough questions with right pages to train on some and measure on others."""

    exit_code = 2
    remedy = (
        "Train on the questions of two documents or more: what is measured must not have been "
        "trained on."
    )


class InvalidTraining(PagelensError):
    """An option of a training does not fit the model."""

    exit_code = 2


class TrainingOutputExists(PagelensError):
    """A checkpoint is to be written into a folder that holds something."""

    exit_code = 2
    remedy = "Name a new folder with --output."
