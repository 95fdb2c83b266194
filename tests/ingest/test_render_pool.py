"""What a hostile file can do to a rendering process, and what of it reaches the others."""

import os
import resource
import signal
import subprocess
import sys

import psutil
import pytest

from ingest.media_types import MediaType
from ingest.render_pool import PROCESS_MEMORY_BYTES, RenderPool
from retrieval.errors import DamagedFile, RenderingFailed
from retrieval.errors.files import REASON_CHARACTERS
from tests.documents import write_text_pdf
from tests.terminal import run_python


class UnsendableError(Exception):
    """Can be pickled and not unpickled, like those of some libraries."""

    def __init__(self, first, second):
        super().__init__(first)


def raise_unsendable():
    raise UnsendableError("one", "two")


def compute_for_ever():
    # As in a decoder's loop, no Python code runs that could see a signal.
    return sum(iter(int, 1))


def compute_with_one_second_left():
    resource.setrlimit(resource.RLIMIT_CPU, (1 + spent_s(), -1))
    compute_for_ever()


def spent_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_utime + usage.ru_stime)


def die():
    os.kill(os.getpid(), signal.SIGSEGV)


def take_memory():
    return len(bytearray(2 * PROCESS_MEMORY_BYTES))


def fill_disk(path):
    with path.open("wb") as file:
        file.write(bytes(64 << 20))


def take_memory_in_a_program():
    code = f"bytearray({2 * PROCESS_MEMORY_BYTES})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode


def write_to_standard_error():
    os.write(2, b"\x1b[2J what a decoder dislikes")


def raise_with_a_long_text():
    raise DamagedFile("begins \x1b[31m\n" + "x" * 5_000 + " ends")


@pytest.fixture(scope="module")
def pool():
    with RenderPool(1) as pool:
        yield pool


@pytest.fixture
def good_file(tmp_path):
    return write_text_pdf(tmp_path / "log.pdf", "The harbour log of May.")


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (compute_with_one_second_left, "s of processor time"),
        (die, "crashed"),
        (take_memory, "too much memory"),
    ],
)
def test_a_process_that_breaks_its_limits_is_lost_and_the_next_file_is_read(
    pool, good_file, function, reason
):
    with pytest.raises(RenderingFailed, match=reason):
        pool.run(function)
    assert pool.count_pages(good_file, MediaType.PDF) == 1


def test_processes_that_are_killed_while_they_wait_are_started_anew(good_file):
    with RenderPool(1) as pool:
        assert pool.count_pages(good_file, MediaType.PDF) == 1
        for child in psutil.Process().children():
            if is_renderer(child):
                child.kill()
        assert pool.count_pages(good_file, MediaType.PDF) == 1


def test_an_error_that_cannot_be_sent_is_a_refusal(pool, good_file):
    with pytest.raises(RenderingFailed, match="UnsendableError: one"):
        pool.run(raise_unsendable)
    assert pool.count_pages(good_file, MediaType.PDF) == 1


def test_a_rendering_process_does_not_fill_the_disk(pool, tmp_path):
    with pytest.raises(RenderingFailed, match="File too large"):
        pool.run(fill_disk, tmp_path / "filler")


def test_programs_that_it_starts_have_its_limits(pool):
    assert pool.run(take_memory_in_a_program) == 1


def test_what_decoders_say_of_a_file_reaches_no_terminal(tmp_path):
    ended = run_python(
        "-c",
        "from ingest.render_pool import RenderPool\n"
        "from tests.ingest.test_render_pool import write_to_standard_error\n"
        "if __name__ == '__main__':\n"
        "    with RenderPool(1) as pool: pool.run(write_to_standard_error)",
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reason_is_cut_in_its_middle_and_holds_no_control_characters(pool):
    with pytest.raises(DamagedFile) as caught:
        pool.run(raise_with_a_long_text)
    reason = str(caught.value)
    assert reason.isprintable()
    assert len(reason) <= REASON_CHARACTERS
    assert reason.startswith("begins [31m xxx")
    assert reason.endswith("xxx ends")


def test_no_process_outlives_the_pool(good_file):
    before = set(psutil.Process().children(recursive=True))
    with RenderPool(2) as pool:
        pool.count_pages(good_file, MediaType.PDF)
        during = set(psutil.Process().children(recursive=True)) - before
        renderers = [child for child in during if is_renderer(child)]
    assert len(renderers) == 2
    _, alive = psutil.wait_procs(renderers, timeout=10)
    assert not alive


def is_renderer(child):
    """Multiprocessing's tracker of resources is none, and stays until the program ends."""
    return "resource_tracker" not in " ".join(child.cmdline())
