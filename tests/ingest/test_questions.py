"""The evaluation set in a library's tables: the same in SQLite and in PostgreSQL."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from pydantic import SecretStr

from ingest.documents import Documents
from ingest.questions import MAX_TEXT_CHARACTERS, Questions, hash_text
from ingest.sources import DATABASE
from retrieval.errors import InvalidQuestion, QuestionExists, UnknownQuestion
from retrieval.questions import Question, QuestionOrigin, RelevantPage

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
A, B = "a" * 64, "b" * 64


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def documents(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    url = None
    if request.param == "postgresql":
        url = SecretStr(request.getfixturevalue("postgres_server").create_database())
    with closing(Documents(folder, url)) as documents:
        yield documents


@pytest.fixture
def questions(documents):
    """No question at first."""
    questions = Questions(documents.database)
    yield questions
    with documents.database.write() as rows:
        rows.exec_driver_sql("DELETE FROM evaluation_questions")


def build(
    question_id="q1", text="Who rings the fog bell?", origin=QuestionOrigin.IMPORT, **changes
):
    given = {
        "is_checked": True,
        "pages": (RelevantPage(A, 2),),
        "created_at": NOON,
        **changes,
    }
    return Question(question_id, text, origin, **given)


def test_questions_are_listed_in_the_order_in_which_they_came(questions):
    first = build("z", pages=(RelevantPage(A, 0, 0), RelevantPage(A, 2, 3), RelevantPage(B, 1)))
    second = build("a", "Bread", created_at=NOON + timedelta(microseconds=1), pages=())
    questions.add([first, second])
    assert questions.list_all() == [first, second]
    assert questions.find("a") == second
    assert questions.find_text(" who RINGS the  fog bell? ") == first
    assert questions.find_text("nobody") is None
    assert first.relevant_pages == first.pages[1:]
    assert first.within([B]).pages == (RelevantPage(B, 1),)


def test_a_page_is_marked_for_a_text_which_becomes_a_question(questions):
    marked = questions.mark("rye\n bread\0", RelevantPage(A, 2))
    assert (marked.text, marked.origin, marked.is_checked) == (
        "rye bread",
        QuestionOrigin.PERSON,
        True,
    )
    again = questions.mark("Rye bread", RelevantPage(A, 2, 3))
    assert again.question_id == marked.question_id
    assert again.pages == (RelevantPage(A, 2, 3),)
    assert len(questions.mark("rye bread", RelevantPage(B, 0)).pages) == 2


def test_a_persons_question_goes_with_its_last_page_and_no_other_does(questions):
    questions.mark("rye bread", RelevantPage(A, 2))
    questions.mark("rye bread", RelevantPage(A, 3))
    questions.unmark("Rye bread", A, 2)
    assert questions.find_text("rye bread").pages == (RelevantPage(A, 3),)
    questions.unmark("rye bread", A, 3)
    questions.unmark("rye bread", A, 3)
    assert questions.list_all() == []
    questions.add([build()])
    questions.unmark("Who rings the fog bell?", A, 2)
    assert questions.find("q1").pages == ()


def test_whoever_marks_a_page_has_checked_the_question(questions):
    questions.add([build(origin=QuestionOrigin.HEADINGS, is_checked=False)])
    marked = questions.mark("who rings the fog bell?", RelevantPage(B, 0))
    assert marked.is_checked
    assert marked.pages == (RelevantPage(A, 2), RelevantPage(B, 0))


def test_what_is_given_is_changed_and_nothing_else(questions):
    questions.add([build(is_checked=False)])
    edited = questions.edit("q1", text=" Who rings\tthe bell? ")
    assert edited == build(text="Who rings the bell?", is_checked=False)
    assert questions.edit("q1", is_checked=True).is_checked
    judged = [RelevantPage(A, 1), RelevantPage(A, 1, 2)]
    assert questions.edit("q1", pages=judged).pages == (RelevantPage(A, 1, 2),)
    assert questions.edit("q1", pages=[]).text == "Who rings the bell?"
    # Other capitals are the same question.
    assert questions.edit("q1", text="WHO rings the bell?").text == "WHO rings the bell?"


def test_no_two_questions_have_one_text_or_one_id(questions):
    questions.add([build(), build("q2", "Bread")])
    with pytest.raises(QuestionExists, match="'who rings the fog bell\\?' already"):
        questions.add([build("q3", "New"), build("q4", "who rings the fog bell?")])
    with pytest.raises(QuestionExists):
        questions.add([build("q1", "Another")])
    with pytest.raises(QuestionExists):
        questions.edit("q2", text="Who rings the FOG bell?")
    # None of them is half there.
    assert [question.question_id for question in questions.list_all()] == ["q1", "q2"]


def test_a_proposal_that_is_removed_is_remembered_and_comes_back_by_hand(questions):
    questions.add([build(origin=QuestionOrigin.HEADINGS, is_checked=False)])
    questions.remove("q1")
    assert questions.list_all() == []
    assert questions.find_text("Who rings the fog bell?") is None
    assert questions.list_keys() == {hash_text("who rings the fog bell?")}
    marked = questions.mark("Who rings the fog bell?", RelevantPage(B, 0))
    assert marked.origin is QuestionOrigin.PERSON
    assert marked.pages == (RelevantPage(B, 0),)
    questions.remove(marked.question_id)
    assert questions.list_keys() == set()


def test_what_is_no_question_is_refused(questions):
    for text in ("", " \n ", "\0"):
        with pytest.raises(InvalidQuestion, match="needs words"):
            questions.mark(text, RelevantPage(A, 0))
    with pytest.raises(InvalidQuestion, match="2,000 characters at most, not 2,001"):
        questions.mark("x" * (MAX_TEXT_CHARACTERS + 1), RelevantPage(A, 0))
    with pytest.raises(InvalidQuestion, match="from 0 to 100, not -1"):
        RelevantPage(A, 0, -1)
    with pytest.raises(InvalidQuestion, match="no page 0"):
        RelevantPage(A, -1)
    for ask in (questions.find, questions.remove, questions.edit):
        with pytest.raises(UnknownQuestion, match="'absent'"):
            ask("absent")


def test_a_library_of_an_earlier_release_gets_the_tables_when_it_is_opened(tmp_path):
    Documents(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        database.execute("DROP TABLE relevant_pages")
        database.execute("DROP TABLE evaluation_questions")
        database.commit()
    with closing(Documents(tmp_path)) as documents:
        questions = Questions(documents.database)
        assert questions.list_all() == []
        assert questions.mark("bread", RelevantPage(A, 0)).pages


def test_a_copy_of_the_tables_has_the_questions(documents, questions, tmp_path):
    questions.add([build()])
    with closing(Documents(tmp_path)) as copy:
        documents.copy_to(copy)
        assert Questions(copy.database).list_all() == [build()]
