"""`pagelens compare`: asks several ways to search the same questions, and only what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from app.compare_cache import IndexFacts, KeptVariant, ModelFacts, find_kept
from app.comparison import (
    Comparison,
    FailedVariant,
    VariantRun,
    check_questions,
    measure_variants,
)
from app.library import Library
from app.question_run import ask_question, measure_index, name_corpus
from app.settings import Settings
from app.spending import describe_spent
from app.variants import Variant, name_variants
from ingest.progress import OnProgress, Progress
from retrieval.errors import PagelensError
from retrieval.evaluation import EvaluationSet
from retrieval.index.base import PageFilter
from retrieval.matryoshka import read_name
from retrieval.model_spec import ModelSpec
from retrieval.search import Mode
from retrieval.training.card import count_trained_on

# What each variant, by its name, reports to.
ProgressOf = Callable[[str], OnProgress]

# Is told each variant that cannot be measured, as soon as that is known.
OnFailed = Callable[[FailedVariant], None]


def pass_over(_: FailedVariant) -> None:
    """For those who read it in the comparison."""


def compare_variants(
    title: str,
    evaluation_set: EvaluationSet,
    variants: Sequence[Variant],
    settings: Settings,
    cache: Path,
    progress_of: ProgressOf,
    on_failed: OnFailed = pass_over,
) -> Comparison:
    """Indexes the corpus for each variant that needs it, asks all questions, and measures.

    A variant that fails is told with its reason; the others go on.

    Args:
        title: what the set is called.
        evaluation_set: the corpus, the questions, and which pages are relevant.
        variants: the first is what the others are compared with.
        settings: how models run; its library is not touched.
        cache: the folder in which libraries and answers are kept for the next comparison.
        progress_of: what each variant, by its name, reports to; called when it is begun.
        on_failed: is told each variant that cannot be measured.

    Raises:
        InvalidEvaluationSet: there are too few questions.
    """
    started, made_at = time.perf_counter(), datetime.now().astimezone()
    check_questions(evaluation_set)
    names = name_corpus(evaluation_set.corpus)
    runs: list[VariantRun] = []
    failed: list[FailedVariant] = []
    spent: list[str] = []
    for variant, name in zip(variants, name_variants(variants), strict=True):
        kept = find_kept(cache, names, variant, settings)
        try:
            runs.append(
                _run_variant(
                    variant, name, evaluation_set, names, settings, kept, progress_of(name), spent
                )
            )
        except PagelensError as error:
            failed.append(FailedVariant(name, str(error)))
            on_failed(failed[-1])
    return Comparison(
        title=title,
        evaluation_set=evaluation_set,
        measured=measure_variants(evaluation_set, tuple(runs), names),
        failed=tuple(failed),
        spent=tuple(spent),
        documents={name: document_id for document_id, name in names.items()},
        made_at=made_at,
        seconds=time.perf_counter() - started,
    )


def _run_variant(
    variant: Variant,
    name: str,
    evaluation_set: EvaluationSet,
    names: Mapping[str, str],
    settings: Settings,
    kept: KeptVariant,
    on_progress: OnProgress,
    spent: list[str],
) -> VariantRun:
    own = make_variant_settings(settings, variant, kept.library)
    index = kept.read_index()
    if index is None:
        index = index_corpus(evaluation_set.corpus, own, on_progress, spent)
        kept.write_index(index)
    questions = [question.text for question in evaluation_set.questions]
    answers, models = kept.read_answers(), kept.read_models()
    where = PageFilter(documents=frozenset(names))
    missing = [text for text in dict.fromkeys(questions) if text not in answers]
    if missing or models is None:
        with Library(own) as library, _noting_spent(library, spent):
            models = list_models(library, variant.mode)
            kept.write_models(models)
            if missing:
                # What only the first search has to open is no time of a search.
                ask_question(library, missing[0], where, mode=variant.mode)
            for done, text in enumerate(missing, 1):
                answers[text] = ask_question(library, text, where, mode=variant.mode)
                kept.add_answer(text, answers[text])
                on_progress(Progress("searching", done, len(missing), ""))
    return VariantRun(
        variant=variant,
        name=name,
        rankings={question.id: answers[question.text] for question in evaluation_set.questions},
        n_kept=sum(text not in missing for text in questions),
        n_trained_on=max(
            count_trained_on(read_name(name).name, questions)
            for name in (variant.model, *variant.text_models)
        ),
        index=index,
        models=models,
        library=kept.library,
    )


@contextmanager
def _noting_spent(library: Library, spent: list[str]) -> Iterator[None]:
    """Adds what vendors were paid, also where the work fails half-way."""
    try:
        yield
    finally:
        spent += describe_spent(library)


def index_corpus(
    corpus: Path, settings: Settings, on_progress: OnProgress, spent: list[str]
) -> IndexFacts:
    """Indexes a corpus in the library of the settings, and measures that.

    Args:
        corpus: the folder of files.
        settings: of the library.
        on_progress: called as pages are indexed.
        spent: is added what vendors were paid, a line for each model.
    """
    with Library(settings) as library, _noting_spent(library, spent):
        report = library.ingest([corpus], on_progress)
        counts, encoder, folder = library.count(), library.encoder.key, library.index_folder
    size = measure_index(folder)
    assert size is not None, "these libraries are in their folders"
    return IndexFacts(
        n_pages=counts.pages,
        pages_per_second=report.pages_per_second,
        index_bytes=size.index_bytes,
        encoder=encoder,
        refused=tuple((refusal.path.name, refusal.error) for refusal in report.failed),
    )


def make_variant_settings(settings: Settings, variant: Variant, folder: Path) -> Settings:
    """The settings of a variant's library: all of it is in its own folder, whatever is set."""
    return settings.model_copy(
        update={
            "library": folder,
            "model": variant.model,
            "text_models": variant.text_models or None,
            "pool_factor": variant.pool_factor,
            "vector_storage": variant.vector_storage,
            "reranker": variant.reranker,
            "read_only": False,
            "database_url": None,
            "bucket": None,
            "qdrant_url": None,
        }
    )


def list_models(library: Library, mode: Mode) -> tuple[ModelFacts, ...]:
    """Opens the models that answer in a mode, and says what is known of each."""
    specs: list[ModelSpec] = []
    if mode != Mode.TEXT:
        specs.append(library.encoder.spec)
        if library.count().photos:
            specs.append(library.encoders.open_photos().spec)
    if mode != Mode.VISUAL:
        specs += library.encoders.texts.specs
        if (reranker := library.encoders.open_reranker()) is not None:
            specs.append(reranker.spec)
    return tuple(
        ModelFacts(spec.id, spec.licence, spec.commercial_use, spec.usd_per_million_tokens)
        for spec in specs
    )
