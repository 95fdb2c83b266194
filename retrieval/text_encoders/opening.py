"""Opens an encoder of text by its name: a catalog id, a hub id, or the folder of a checkpoint."""

from __future__ import annotations

from retrieval.encoders.opening import EncoderOptions
from retrieval.text_encoders.base import TextEncoder
from retrieval.text_encoders.catalog import MINILM_DENSE, refuse_text_name
from retrieval.text_encoders.passage_encoder import PassageEncoder

AUTOMATIC = EncoderOptions()


def open_text_encoder(
    name: str, options: EncoderOptions = AUTOMATIC, dim: int | None = None
) -> TextEncoder:
    """Loads an encoder of text."""
    if name == MINILM_DENSE.id:
        # The model libraries take long to import; listing the catalog must not.
        from retrieval.text_encoders.minilm_dense import MinilmDense

        return PassageEncoder(MinilmDense(), dim)
    raise refuse_text_name(name)
