"""InfoNCE, as each kind of model is trained: on whole vectors, and on their prefixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retrieval.encoders.torchvision_guard import ensure_torchvision_imports

# (questions, pages) -> a scalar; page `i` answers question `i`, pages behind the last question
# answer none.
Loss = Callable[[Any, Any], Any]


def make_late_interaction_loss(temperature: float, matryoshka_dims: Sequence[int] = ()) -> Loss:
    """The loss of multi-vectors.

    colpali-engine's `ColbertLoss` (Faysse et al. 2024): the cross-entropy of each question's MaxSim
    with all pages, divided by its number of vectors and by the temperature.

    Args:
        temperature: see `TrainingOptions`.
        matryoshka_dims: lengths of the prefixes that are trained besides the whole.

    Returns:
        A loss of questions `[n_questions, n_tokens, dim]` and pages `[n_pages, n_tokens, dim]`,
        whose rows are of unit length, or zero for padding.
    """
    ensure_torchvision_imports()
    from colpali_engine.loss import ColbertLoss

    # Of a mean cosine below 0 it would print that it is out of bounds; it is not.
    return add_prefixes(ColbertLoss(temperature=temperature, norm_tol=1.0), matryoshka_dims)


def make_dense_loss(model: Any, temperature: float, matryoshka_dims: Sequence[int] = ()) -> Loss:
    """The loss of single vectors.

    sentence-transformers' `MultipleNegativesRankingLoss`: the cross-entropy of each question's
    cosine with all passages, divided by the temperature.

    Args:
        model: a `SentenceTransformer`.
        temperature: see `TrainingOptions`.
        matryoshka_dims: lengths of the prefixes that are trained besides the whole.

    Returns:
        A loss of questions `[n_questions, dim]` and passages `[n_passages, dim]`.
    """
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    infonce = MultipleNegativesRankingLoss(model, scale=1 / temperature)

    def compute(questions: Any, passages: Any) -> Any:
        n_questions = len(questions)
        columns = [questions, passages[:n_questions], passages[n_questions:]]
        return infonce.compute_loss_from_embeddings(columns, None)

    return add_prefixes(compute, matryoshka_dims)


def add_prefixes(loss: Loss, dims: Sequence[int]) -> Loss:
    """The sum of a loss over whole vectors and their prefixes, renormalised as they will be used.

    Matryoshka representation learning (Kusupati et al. 2022, arXiv 2205.13147, equation 1), all
    lengths weighing the same. Rows of zeros, for padding, stay so.
    """
    import torch

    def compute(questions: Any, pages: Any) -> Any:
        total = loss(questions, pages)
        for dim in dims:
            prefixes = (
                torch.nn.functional.normalize(vectors[..., :dim], dim=-1)
                for vectors in (questions, pages)
            )
            total = total + loss(*prefixes)
        return total

    return compute
