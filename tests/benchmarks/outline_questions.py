"""Makes an evaluation set of the outlines of PDFs: a bookmark's title asks, its page answers.

The PDFs are those of Debian's documentation packages, whose licences are free. Headings are no
questions that people ask, and the words of most stand on their page, but there are thousands, and
they cost nothing. `pagelens train` is tried on them:

    python -m tests.benchmarks.outline_questions FOLDER --without ../shared/data/pages-dev
    pagelens train FOLDER/outlines --output FOLDER/head --library FOLDER/library
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pypdfium2 as pdfium

from retrieval.encoders.stop_words import STOP_WORDS

PACKAGES = (
    "abinit-doc",
    "auto-multiple-choice-doc-pdf",
    "bacula-doc",
    "claws-mail-doc",
    "ddd-doc",
    "debian-faq",
    "debian-history",
    "dynare-doc",
    "erlang-doc",
    "gap-doc",
    "installation-guide-amd64",
    "lilypond-doc-pdf",
    "live-manual-pdf",
    "maint-guide",
    "massxpert-doc",
    "mit-scheme-doc",
    "mummer-doc",
    "muttprint-manual",
    "omniorb-doc",
    "openafs-doc",
    "pari-doc",
    "python-mlpy-doc",
    "python-reportlab-doc",
    "r-cran-coin",
    "r-cran-desolve",
    "r-cran-effects",
    "r-cran-epi",
    "r-cran-flexmix",
    "r-cran-forecast",
    "r-cran-glmnet",
    "r-cran-gstat",
    "r-cran-kernlab",
    "r-cran-lme4",
    "r-cran-metafor",
    "r-cran-mlmrev",
    "r-cran-multcomp",
    "r-cran-party",
    "r-cran-partykit",
    "r-cran-pscl",
    "r-cran-seriation",
    "r-cran-sp",
    "r-cran-surveillance",
    "r-cran-tsp",
    "r-cran-vcd",
    "r-cran-vegan",
    "r-cran-xtable",
    "r-doc-pdf",
    "sbcl-doc",
    "systemtap-doc",
    "texlive-humanities-doc",
    "tree-puzzle-doc",
    "ubuntu-packaging-guide-pdf",
    "winff-doc",
)

# Of one package, so that no program's manuals are most of what is learnt.
FILES_A_PACKAGE = 4
PAGES = range(6, 121)
TITLES = 5
TITLES_A_PAGE = 3

# Every fourth word of English is one of these; of other languages, one in ten at most.
ENGLISH_SHARE = 0.2

NUMBERING = re.compile(r"^(?:(?:chapter|appendix|part|section)\s+)?[\dA-Z]?[\d.]*[.:)]?\s+", re.I)
WORD = re.compile(r"[A-Za-z]{2,}")
# Of two words, most name what every manual has: "General options", "Usage notes".
WORDS_OF_TITLE = range(3, 13)
# What stands in every manual says nothing of its page.
COMMON_TITLE = re.compile(
    r"(?i)^(?:table of contents|list of (?:figures|tables)|see also|further reading|release notes|"
    r"(?:version|revision) history|getting started|how to .{0,12}|data types?|next steps?|"
    r"title page|.*\b(?:index|references|bibliography|acknowledge?ments?)\b.*)$"
)


@dataclass(frozen=True, slots=True)
class Outline:
    """A PDF, and what its bookmarks call some of its pages.

    Attributes:
        titles: (title, 1-based page number).
    """

    path: Path
    package: str
    title: str
    titles: tuple[tuple[str, int], ...]


def download(folder: Path) -> None:
    """The packages' PDFs, in a folder a package; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if (folder / package).exists():
            continue
        scratch = folder / "scratch"
        scratch.mkdir()
        subprocess.run(["apt-get", "download", "-q", package], cwd=scratch, check=True)
        (archive,) = scratch.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, scratch / "tree"], check=True)
        (folder / package).mkdir()
        for found in (scratch / "tree").rglob("*.pdf*"):
            if found.name.endswith(".pdf.gz") and not found.is_symlink():
                subprocess.run(["gunzip", found], check=True)
                found = found.with_suffix("")
            if found.suffix == ".pdf" and found.is_file():
                shutil.copy(found, folder / package / found.name)
        shutil.rmtree(scratch)


def read_outlines(folder: Path, without: Path | None) -> Iterator[Outline]:
    """The outlines of English PDFs of a usual length, few a package.

    Args:
        folder: holds a folder of PDFs for each package.
        without: an evaluation set whose documents are left out, by their bytes and titles.
    """
    left_out = (
        {read_identity(path) for path in (without / "corpus").iterdir()} if without else set()
    )
    hashes, titles = {each[0] for each in left_out}, {each[1] for each in left_out if each[1]}
    for package in PACKAGES:
        found = 0
        for path in sorted((folder / package).rglob("*.pdf"), key=lambda path: path.name):
            digest, title = read_identity(path)
            if found == FILES_A_PACKAGE or digest in hashes or title in titles:
                continue
            outline = read_outline(path, package, title)
            if outline is not None:
                hashes.add(digest)
                found += 1
                yield outline


def read_identity(path: Path) -> tuple[str, str]:
    """The SHA-256 of a file, and its title in lower case; empty for none."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        with pdfium.PdfDocument(path) as pdf:
            return digest, pdf.get_metadata_dict().get("Title", "").strip().casefold()
    except pdfium.PdfiumError:
        return digest, ""


def read_outline(path: Path, package: str, title: str) -> Outline | None:
    """The outline of a PDF; None for one that is damaged, too long, not English, or has none."""
    try:
        with pdfium.PdfDocument(path) as pdf:
            if len(pdf) not in PAGES or not is_english(pdf):
                return None
            titles = []
            for bookmark in pdf.get_toc():
                destination = bookmark.get_dest()
                index = destination.get_index() if destination else None
                if index is not None and (cleaned := clean_title(bookmark.get_title())):
                    titles.append((cleaned, index + 1))
    except pdfium.PdfiumError:
        return None
    pages = Counter(page for _, page in titles)
    # A page with many is a list, and answers none of them.
    titles = [(text, page) for text, page in titles if pages[page] <= TITLES_A_PAGE]
    return Outline(path, package, title, tuple(titles)) if len(titles) >= TITLES else None


def is_english(pdf: pdfium.PdfDocument) -> bool:
    """Whether pages of the middle hold as many of English's common words as English does."""
    middle = len(pdf) // 2
    text = " ".join(pdf[i].get_textpage().get_text_bounded() for i in range(middle, middle + 3))
    words = WORD.findall(text.lower())
    return len(words) > 100 and sum(word in STOP_WORDS for word in words) > ENGLISH_SHARE * len(
        words
    )


def clean_title(title: str) -> str | None:
    """A title without its number; None for one that says too little of its page."""
    text = NUMBERING.sub("", " ".join(title.split()))
    n_words = len(WORD.findall(text))
    is_plain = text.isascii() and text.isprintable() and n_words in WORDS_OF_TITLE
    return text if is_plain and not COMMON_TITLE.match(text) else None


def write_evaluation_set(outlines: list[Outline], folder: Path) -> int:
    """Writes a set as `pagelens evaluate` takes it: titles that one page alone bears.

    Returns:
        How many questions there are.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "corpus").mkdir(parents=True)
    counted = Counter(text.casefold() for outline in outlines for text, _ in outline.titles)
    questions, qrels = [], ["query-id\tfile\tpage\trelevance"]
    for outline in outlines:
        name = f"{outline.package}--{outline.path.name}"
        shutil.copy(outline.path, folder / "corpus" / name)
        for text, page in outline.titles:
            if counted[text.casefold()] == 1:
                questions.append(json.dumps({"id": f"title-{len(questions):05}", "text": text}))
                qrels.append(f"title-{len(questions) - 1:05}\t{name}\t{page}\t1")
    (folder / "queries.jsonl").write_text("\n".join(questions) + "\n", encoding="utf-8")
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    return len(questions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", type=Path, help="an evaluation set that must not be seen")
    arguments = parser.parse_args()
    download(arguments.folder / "pdfs")
    outlines = list(read_outlines(arguments.folder / "pdfs", arguments.without))
    n_questions = write_evaluation_set(outlines, arguments.folder / "outlines")
    print(f"{n_questions:,} titles of {len(outlines)} PDFs")


if __name__ == "__main__":
    main()
