"""Quotes answer questions of the sample documents; all are in tests/benchmarks/answers.py."""

from app.library import Library
from app.settings import Settings
from tests.benchmarks.answers import FOREIGN, SAMPLE, count_answered, measure, read_expected

DOCUMENTS = ("haldry-annual-report-2024.pdf", "electricity-statement-2024.pdf")

# A sentence, a row of a table, a chart.
QUESTIONS = (
    "What happened to the old fog bell in January?",
    "What does a visitor pay to take a car across on the ferry?",
    "How many megawatt hours were bought through the mainland cable in 2021?",
)


def test_sentences_table_rows_and_charts_are_quoted_and_foreign_questions_are_not(tmp_path):
    expected = read_expected()
    assert len(expected) >= 40
    with Library(Settings(library=tmp_path / "library")) as library:
        library.ingest([SAMPLE / "corpus" / name for name in DOCUMENTS], lambda progress: None)
        measured = measure(library, {question: expected[question] for question in QUESTIONS})
        assert (measured.questions, measured.first) == (3, 3)
        assert count_answered(library, FOREIGN[:3]) == 0
