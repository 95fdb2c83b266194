"""A small corpus to train on: documents about one thing each, and questions in other words."""

from dataclasses import dataclass, replace

from retrieval.training.options import TrainingOptions
from retrieval.training.records import Example, HeldOut, TrainingQuestion
from tests.documents import build_page

TOPICS = (
    ("mooring fees of the harbour", "what does it cost to leave a boat"),
    ("rye bread of the bakery", "which loaf do they sell"),
    ("storm warnings on the mast", "how is bad weather announced"),
    ("moons of the planet Jupiter", "which satellites circle the giant"),
    ("steam engine pulling coal", "what moved the wagons"),
    ("violin made of old spruce", "which wood has the instrument"),
    ("goulash with beef and paprika", "how is the stew cooked"),
    ("potatoes in sandy soil", "where do vegetables grow"),
)
HELD_OUT = 2
N_EPOCHS = 3
OPTIONS = TrainingOptions(epochs=N_EPOCHS, batch_questions=3, n_negatives=2, patience=N_EPOCHS)


@dataclass(frozen=True)
class Corpus:
    """Pages of `TOPICS`, two a document: the second answers nothing.

    Attributes:
        examples: each with the other pages of documents that are trained on as negatives.
    """

    pages: dict
    examples: tuple
    held_out: HeldOut
    options: TrainingOptions

    @property
    def questions(self):
        return [
            question.text
            for question in (*(e.question for e in self.examples), *self.held_out.questions)
        ]

    def read(self, key):
        return self.pages[key]


def build_corpus(**options) -> Corpus:
    pages = {}
    questions = []
    for number, (text, question) in enumerate(TOPICS):
        document = f"{number:064}"
        for index, words in enumerate((f"About {text}.", f"More of {text}, page two.")):
            pages[document, index] = replace(
                build_page(words, index), document_id=document, page_index=index
            )
        questions.append(TrainingQuestion(str(number), question, {(document, 0): 1}))
    training, held_out = questions[HELD_OUT:], questions[:HELD_OUT]
    keys = list(pages)
    examples = tuple(
        Example(q, tuple(key for key in keys[2 * HELD_OUT :] if key not in q.relevant)[:2])
        for q in training
    )
    return Corpus(
        pages, examples, HeldOut(tuple(held_out), tuple(keys)), replace(OPTIONS, **options)
    )
