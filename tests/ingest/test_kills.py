"""kill -9 loses nothing: a short run of `tests.ingest.kill_ingest`, which anyone can run longer."""

from tests.ingest.kill_ingest import kill_often


def test_what_is_killed_again_and_again_is_in_the_end_as_if_it_had_never_been(tmp_path):
    kill_often(tmp_path, n_documents=6, n_kills=3, seed=1)
