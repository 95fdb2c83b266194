"""`pagelens train`: fine-tunes a model on questions whose right pages are known."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from app.library import Library
from app.settings import Settings
from app.training_pages import TrainingPages, list_whole_pages, read_training_pages
from ingest.progress import OnProgress, Progress
from ingest.sources import Source, find_files, read_source
from retrieval.encoders.opening import EncoderOptions
from retrieval.errors import TrainingOutputExists
from retrieval.evaluation import load_evaluation_set
from retrieval.index.base import ALL_PAGES, PageFilter
from retrieval.model_spec import names_folder
from retrieval.training.card import TrainingCard, hash_question, write_card
from retrieval.training.fitting import fit
from retrieval.training.mining import MINING_DEPTH, POOL_DEPTH, mine_example
from retrieval.training.opening import (
    Trainee,
    Way,
    check_prefixes,
    find_trainee,
    open_learner,
)
from retrieval.training.options import TrainingOptions
from retrieval.training.records import (
    Example,
    Fitted,
    HeldOut,
    Learner,
    OnStep,
    PageKey,
    TrainingQuestion,
)
from retrieval.training.splitting import Split, split_by_document

# Within the output while a training is not over: how far it is.
UNFINISHED = "unfinished"
STATE = "state.pt"

OWN_QUESTIONS = "the library's questions"
UNKNOWN_LICENCE = "not stated here: see its model card"

Ranking = list[tuple[PageKey, float]]


@dataclass(frozen=True, slots=True)
class Training:
    """What was trained.

    Attributes:
        output: the folder of the checkpoint.
        card: what it says of itself.
        fitted: how it went.
        n_left_out: questions whose pages the library lacks, or that need documents of both sides.
        option: of the commands, that takes the checkpoint.
    """

    output: Path
    card: TrainingCard
    fitted: Fitted
    n_left_out: int
    option: str


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What a training needs of a library, which it then does without.

    Attributes:
        trainee: the model.
        run: where it runs.
        rankings: of each question, by the model as it is; for one of text, what the library's
            encoder of pages finds, and what words find.
        n_questions: before any was left out.
    """

    trainee: Trainee
    run: EncoderOptions
    split: Split
    rankings: dict[str, Ranking]
    pages: TrainingPages
    n_questions: int


def train_on_folder(
    folder: Path,
    settings: Settings,
    model: str | None,
    output: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
) -> Training:
    """Trains a model on the questions of an evaluation set.

    Args:
        folder: the set; its corpus is ingested into the library of `settings`.
        settings: which library, and where models run.
        model: what is trained; None for the library's encoder of pages.
        output: a new folder for the checkpoint, or one where the same training was cut off.
        options: how it is trained.
        on_progress: called as the work goes on.

    Raises:
        InvalidEvaluationSet: the folder is none.
        NotTrainable, TooFewQuestions, InvalidTraining: the model or the questions do not fit.
        TrainingOutputExists: the output holds something else.
    """
    evaluation_set = load_evaluation_set(folder)
    trainee, settings = _choose_trainee(model, settings, options)
    with _make_output(output) as scratch:
        with Library(settings) as library:
            library.ingest([evaluation_set.corpus], on_progress)
            sources = [read_source(path) for path in find_files([evaluation_set.corpus])]
            ids = {s.name: s.document_id for s in sources if isinstance(s, Source)}
            questions = [
                TrainingQuestion(
                    question.id,
                    question.text,
                    {
                        (ids[file], number - 1): relevance
                        for (file, number), relevance in evaluation_set.qrels[question.id].items()
                        if file in ids
                    },
                )
                for question in evaluation_set.questions
            ]
            where = PageFilter(documents=frozenset(ids.values()))
            gathered = _gather(library, trainee, questions, where, options, scratch, on_progress)
        return _train(gathered, folder.resolve().name, output, options, scratch, on_progress)


def train_on_library(
    settings: Settings,
    model: str | None,
    output: Path,
    options: TrainingOptions,
    on_progress: OnProgress,
) -> Training:
    """Trains a model on the library's own questions, those that a person has checked.

    Args:
        settings: which library, and where models run.
        model: what is trained; None for the library's encoder of pages.
        output: a new folder for the checkpoint, or one where the same training was cut off.
        options: how it is trained.
        on_progress: called as the work goes on.

    Raises:
        NoQuestions: the library has none that one of its pages answers.
        EncoderMismatch: the model is an encoder of pages, and not the library's.
        NotTrainable, TooFewQuestions, InvalidTraining: the model or the questions do not fit.
        TrainingOutputExists: the output holds something else.
    """
    trainee, settings = _choose_trainee(model, settings, options)
    with _make_output(output) as scratch:
        with Library(settings) as library:
            questions = [
                TrainingQuestion(
                    question.question_id,
                    question.text,
                    {(p.document_id, p.page_index): p.relevance for p in question.relevant_pages},
                )
                for question in library.require_judged_questions()
            ]
            gathered = _gather(
                library, trainee, questions, ALL_PAGES, options, scratch, on_progress
            )
        return _train(gathered, OWN_QUESTIONS, output, options, scratch, on_progress)


def _choose_trainee(
    model: str | None, settings: Settings, options: TrainingOptions
) -> tuple[Trainee | None, Settings]:
    """What is trained, None for the library's encoder; and the settings to open the library with.

    An encoder of pages is trained on what the library's index finds with it.
    """
    if model is None:
        return None, settings
    trainee = find_trainee(model)
    if trainee.spec is not None:
        # Before the corpus is indexed.
        check_prefixes(trainee.name, trainee.spec.dim, options)
    if not trainee.reads_pages:
        return trainee, settings
    return None, settings.model_copy(update={"model": model})


def _gather(
    library: Library,
    trainee: Trainee | None,
    questions: Sequence[TrainingQuestion],
    where: PageFilter,
    options: TrainingOptions,
    scratch: Path,
    on_progress: OnProgress,
) -> _Gathered:
    """Splits the questions, ranks pages for each, and reads the pages that may be needed."""
    trainee = trainee or find_trainee(library.encoders.choice.name)
    known = list_whole_pages(library)
    held = [
        TrainingQuestion(
            q.id, q.text, {page: grade for page, grade in q.relevant.items() if page in known}
        )
        for q in questions
    ]
    split = split_by_document([q for q in held if q.relevant], options.held_out, options.seed)
    rankings: dict[str, Ranking] = {}
    asked = (*split.training, *split.held_out)
    for done, question in enumerate(asked, 1):
        found = library.rank_by_vectors(question.text, MINING_DEPTH, where)
        if not trainee.reads_pages:
            found += library.rank_by_words(question.text, MINING_DEPTH, where)
        rankings[question.id] = [((p.document_id, p.page_index), p.score) for p in found]
        on_progress(Progress("mining", done, len(asked), ""))
    pages = read_training_pages(
        library,
        _list_pages(split, rankings),
        scratch,
        on_progress,
        with_pictures=trainee.way == Way.LORA,
    )
    return _Gathered(trainee, library.encoders.options(), split, rankings, pages, len(questions))


def _list_pages(split: Split, rankings: Mapping[str, Ranking]) -> list[PageKey]:
    """Every page that a question has or that was found for it, once."""
    return list(
        dict.fromkeys(
            page
            for question in (*split.training, *split.held_out)
            for page in (*question.relevant, *(page for page, _ in rankings[question.id]))
        )
    )


def _train(
    gathered: _Gathered,
    data: str,
    output: Path,
    options: TrainingOptions,
    scratch: Path,
    on_progress: OnProgress,
) -> Training:
    trainee, split = gathered.trainee, gathered.split

    def follow(stage: str) -> OnStep:
        return lambda done, total: on_progress(Progress(stage, done, total, ""))

    learner = open_learner(
        trainee,
        options,
        gathered.run,
        questions=[question.text for question in (*split.training, *split.held_out)],
        pages=list(gathered.pages),
        read_page=gathered.pages.read,
        scratch=scratch,
        on_page=follow("encoding"),
    )
    rankings = gathered.rankings
    if not trainee.reads_pages:
        rankings = _rank_again(learner, split, rankings)
    examples = [
        mine_example(
            question,
            rankings[question.id],
            positive_share=options.positive_share,
            n_negatives=options.n_negatives,
            excluded_documents=split.held_out_documents,
        )
        for question in split.training
    ]
    held_out = HeldOut(split.held_out, _choose_pool(split, rankings))
    fitted = fit(learner, examples, held_out, options, scratch / STATE, follow("training"))
    learner.save(output)
    (scratch / STATE).unlink()
    card = _describe(trainee, data, examples, held_out, fitted, learner, options)
    write_card(output, card)
    n_left_out = gathered.n_questions - len(split.training) - len(split.held_out)
    option = "--model" if trainee.reads_pages else "--text-model"
    return Training(output, card, fitted, n_left_out, option)


def _rank_again(
    learner: Learner, split: Split, rankings: Mapping[str, Ranking]
) -> dict[str, Ranking]:
    """What the library has found, and the right pages, as the model as it is ranks them."""
    asked = (*split.training, *split.held_out)
    pages = _list_pages(split, rankings)
    places = {page: place for place, page in enumerate(pages)}
    scores = learner.score([question.text for question in asked], pages)
    ranked: dict[str, Ranking] = {}
    for question, row in zip(asked, scores, strict=True):
        found = {*question.relevant, *(page for page, _ in rankings[question.id])}
        scored = [(page, float(row[places[page]])) for page in found]
        ranked[question.id] = sorted(scored, key=lambda each: (-each[1], each[0]))
    return ranked


def _choose_pool(split: Split, rankings: Mapping[str, Ranking]) -> tuple[PageKey, ...]:
    """The pages that every held-out question is to find its own among."""
    return tuple(
        dict.fromkeys(
            page
            for question in split.held_out
            for page in (
                *question.relevant,
                *(page for page, _ in rankings[question.id][:POOL_DEPTH]),
            )
        )
    )


def _describe(
    trainee: Trainee,
    data: str,
    examples: Sequence[Example],
    held_out: HeldOut,
    fitted: Fitted,
    learner: Learner,
    options: TrainingOptions,
) -> TrainingCard:
    digest = hashlib.sha256()
    for question in sorted(
        (*(e.question for e in examples), *held_out.questions), key=lambda q: q.id
    ):
        digest.update(repr((question.text, sorted(question.relevant.items()))).encode())
    spec = trainee.spec
    return TrainingCard(
        base=str(Path(trainee.name).resolve()) if names_folder(trainee.name) else trainee.name,
        base_revision=trainee.revision,
        licence=spec.licence if spec else UNKNOWN_LICENCE,
        commercial_use=spec.commercial_use if spec else False,
        matryoshka_dims=options.matryoshka_dims,
        data=data,
        data_sha256=digest.hexdigest(),
        n_training=len(examples),
        n_held_out=len(held_out.questions),
        n_hard_negatives=sum(len(example.negatives) for example in examples),
        ndcg10_before=fmean(fitted.before),
        ndcg10_after=fmean(fitted.after),
        epochs=len(fitted.epochs),
        best_epoch=fitted.best,
        learning_rate=options.learning_rate or learner.learning_rate,
        temperature=options.temperature,
        seed=options.seed,
        batch_questions=options.batch_questions,
        n_negatives=options.n_negatives,
        held_out=options.held_out,
        trained_on=tuple(sorted({hash_question(e.question.text) for e in examples})),
    )


def check_output(output: Path) -> None:
    """Refuses a folder for a checkpoint before anything is done for it.

    Raises:
        TrainingOutputExists: it holds what no unfinished training has left.
    """
    if output.exists() and (not output.is_dir() or set(output.iterdir()) - {output / UNFINISHED}):
        raise TrainingOutputExists(f"{output} exists already")


@contextmanager
def _make_output(output: Path) -> Iterator[Path]:
    """Makes the folder, and one in it for what a training that is cut off goes on with.

    Raises:
        TrainingOutputExists: it holds what no unfinished training has left.
    """
    check_output(output)
    scratch = output / UNFINISHED
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        yield scratch
    finally:
        # Over, or cut off so early that there is nothing to go on with.
        if not (scratch / STATE).exists():
            shutil.rmtree(scratch)
            if not any(output.iterdir()):
                output.rmdir()
