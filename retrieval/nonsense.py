"""How well pages answer nonsense: the score that a good match must beat.

Every question has a best page. Whether that page answers it shows only beside questions that no
page can answer: made-up words and absurd sentences, asked of the same pages. On the 498 pages of
pages-dev their best mean cosine a token was 0.47 with minilm-layout; of 131 questions that have an
answer there, all had 0.48 or more, and of 46 that have their answer elsewhere 36 had less.
"""

from __future__ import annotations

from retrieval.encoders.base import Encoder
from retrieval.index.base import PageIndex

# Sentences, as questions are: a single made-up word is cut into letters, which any page holds.
NONSENSE = (
    "how many flanterbs does a grouvel need",
    "when did the vostrik meet the quendal",
    "grindle mof skavent ulterby norp",
    "What is the plumbastic ratio of a snerp in Frindavia?",
    "Which of the three wobbenhaupts was tarvished before the great Nolquist?",
    "why does the brellow keep its dwimming under the farthick of an open spandril",
    "purple elephants juggle seventeen melancholy teapots beneath the whispering staircase",
    "do sleepy spoons dream of wet ladders",
)


def measure_nonsense(encoder: Encoder, index: PageIndex) -> float:
    """The best MaxSim that nonsense reaches, as a mean over the tokens of a question.

    0 where the index holds no page.
    """
    best = 0.0
    for text in NONSENSE:
        query = encoder.encode_query(text)
        for page in index.search(query, 1):
            best = max(best, page.score / len(query.tokens))
    return best
