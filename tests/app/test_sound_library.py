"""A library of recordings beside pages: added, searched by text, played, kept and refused."""

import httpx
import pytest

from app.dry_run import forecast
from app.library import Library
from app.migration_record import Target
from app.model_output import describe_encoders
from app.restore import restore_library
from app.settings import Settings
from app.sound_models import choose_sounds, refuse_sound
from retrieval.errors import EncoderMismatch, UnknownEncoder
from retrieval.index.base import PageFilter
from retrieval.records import Kind
from retrieval.search import Mode
from tests.app.api.serving import serve
from tests.documents import write_text_pdf
from tests.sounds import make_tone, write_clap, write_recording
from ui.cards import build_cards
from ui.rendering import render

HARBOUR = "The harbour master collects mooring fees from every yacht on the first of May."
NAMES = {"low.wav", "middle.flac", "high.mp3", "long.ogg"}


def silent(progress):
    pass


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    return write_clap(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_text_pdf(folder / "harbour.pdf", HARBOUR)
    for name, (hertz, seconds) in {
        "low.wav": (110, 2),
        "middle.flac": (440, 3),
        "high.mp3": (1760, 2),
        "long.ogg": (220, 23),
    }.items():
        path = folder / name
        write_recording(path, make_tone(hertz, seconds), format=path.suffix[1:].upper())
    return folder


@pytest.fixture(scope="module")
def library(files, clap, tmp_path_factory):
    settings = Settings(
        library=tmp_path_factory.mktemp("sounds") / "library",
        sound_model=str(clap),
        device="cpu",
        skip_self_test=True,
    )
    with Library(settings) as library:
        report = library.ingest([files], silent)
        assert (report.documents, report.failed) == (5, ())
        yield library


def names(answer):
    return [hit.document for hit in answer.hits]


def test_recordings_are_documents_of_one_page_with_a_vector_a_window(library):
    documents = {document.name: document for document in library.list_documents()}
    assert {name for name, each in documents.items() if each.kind is Kind.SOUND} == NAMES
    assert documents["high.mp3"].media_type.value == "audio/mpeg"
    counts = library.count()
    assert (counts.documents, counts.pages, counts.photos, counts.sounds) == (5, 5, 0, 4)
    assert counts.unread_pages == 0
    (page,) = library.list_pages(documents["long.ogg"].document_id)
    assert (page.n_vectors, page.error) == (3, None)
    assert library.page_picture(documents["low.wav"].document_id, 0).size == (1024, 307)
    assert any(line.startswith("Sounds: ") for line in describe_encoders(library))


def test_a_text_ranks_recordings_by_the_cosine_of_their_best_window(library):
    answer = library.search("a dog barks", 9, page_filter=PageFilter(kind=Kind.SOUND))
    assert set(names(answer)) == NAMES
    query = library.encoders.sounds.open().encode_text("a dog barks")
    for hit in answer.hits:
        windows = library._index.fetch_sound(hit.document_id, 0)
        best = (windows.astype("float32") @ query).max()
        assert hit.scores.sound == pytest.approx(best, abs=2e-3)
        assert hit.evidence is None
    scores = [hit.scores.sound for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)


def test_pages_and_recordings_come_in_one_ranking(library):
    answer = library.search(HARBOUR, 9)
    assert set(names(answer)) == {"harbour.pdf", *NAMES}
    page = next(hit for hit in answer.hits if hit.kind is Kind.PAGE)
    assert page.score == 1
    assert page.scores.sound is None
    only = library.search(HARBOUR, 9, page_filter=PageFilter(kind=Kind.PAGE))
    assert names(only) == ["harbour.pdf"]
    assert names(library.search(HARBOUR, 9, mode=Mode.TEXT)) == ["harbour.pdf"]


def test_recordings_that_sound_alike_are_found_by_one_of_them(library):
    low = library.find_document("low.wav")
    answer = library.search_like(low.document_id, 0, 9)
    assert set(names(answer)) == NAMES - {"low.wav"}
    assert all(-1 <= hit.scores.sound <= 1.01 for hit in answer.hits)


def test_a_card_plays_the_recording_and_the_server_gives_parts_of_it(library, files):
    answer = library.search("a dog barks", 9, page_filter=PageFilter(kind=Kind.SOUND))
    cards = build_cards(library, "a dog barks", answer)
    page = render("cards.html", cards=cards, groups=(), words=(), notice="", marked_for="")
    high = library.find_document("high.mp3")
    address = f"/api/v1/documents/{high.document_id}/original"
    assert page.count("<audio") == 4
    assert f'src="{address}"' in page
    with (
        serve(library, Settings(library=library.folder)) as server,
        httpx.Client(base_url=server, trust_env=False, timeout=60) as client,
    ):
        whole = client.get(address)
        assert whole.headers["content-type"] == "audio/mpeg"
        assert whole.content == (files / "high.mp3").read_bytes()
        part = client.get(address, headers={"Range": "bytes=0-99"})
        assert (part.status_code, part.content) == (206, whole.content[:100])
        body = {"question": "a dog barks", "kind": "sound"}
        found = client.post("/api/v1/search", json=body).json()
        assert {hit["kind"] for hit in found["hits"]} == {"sound"}
        assert set(found["hits"][0]["scores"]) == {"sound"}
        listed = client.get("/api/v1/documents", params={"kind": "sound"}).json()
        assert listed["total"] == 4
        assert client.get("/api/v1/status").json()["sounds"] == 4
        picture = client.get(f"/api/v1/documents/{high.document_id}/pages/1/image?width=1600")
        assert picture.headers["content-type"] == "image/webp"


def test_the_doctor_finds_nothing_and_makes_a_lost_recording_anew(library):
    assert library.examine(silent).is_healthy
    low = library.find_document("low.wav")
    vectors = library._index.fetch_sound(low.document_id, 0)
    library._index.delete_documents([low.document_id])
    diagnosis = library.examine(silent)
    assert not diagnosis.is_healthy
    assert library.repair(diagnosis, silent) == []
    assert library.find_document("low.wav").kind is Kind.SOUND
    assert library._index.fetch_sound(low.document_id, 0) == pytest.approx(vectors, abs=2e-3)
    assert library.examine(silent).is_healthy


def test_a_backup_holds_recordings_and_a_library_keeps_its_model_where_none_is_set(
    library, tmp_path
):
    library.backup(tmp_path / "backup", silent)
    folder = tmp_path / "restored"
    restore_library(tmp_path / "backup", folder, silent)
    with Library(Settings(library=folder, device="cpu")) as restored:
        before = library.search("a dog barks", 9)
        after = restored.search("a dog barks", 9)
        assert names(after) == names(before)
        restored.delete(restored.find_document("low.wav").document_id)
        assert restored.count().sounds == 3
        kept = restored.search("a dog barks", 9, page_filter=PageFilter(kind=Kind.SOUND))
        assert set(names(kept)) == NAMES - {"low.wav"}
    with pytest.raises(EncoderMismatch, match="not laion/clap-htsat-fused"):
        Library(Settings(library=folder, sound_model="laion/clap-htsat-fused"))


def test_recordings_move_with_a_library_to_another_encoder_of_pages(library, tiny_checkpoint):
    checkpoint = str(tiny_checkpoint("colidefics3"))
    before = library.search("a dog barks", 9, page_filter=PageFilter(kind=Kind.SOUND))
    # Its folder is used by nobody behind this test.
    assert library.build_migration(Target(model=checkpoint), silent) == []
    library.switch_migration(silent, force=True)
    assert library.status().encoder == checkpoint
    after = library.search("a dog barks", 9, page_filter=PageFilter(kind=Kind.SOUND))
    assert names(after) == names(before)
    assert [hit.scores.sound for hit in after.hits] == pytest.approx(
        [hit.scores.sound for hit in before.hits], abs=1e-6
    )
    # No encoder of pictures looks at the drawing of a recording.
    pages = [(hit.document_id, 0) for hit in after.hits]
    assert library._index.fetch(pages) == [None] * 4
    assert library.count().unread_pages == 0


def test_without_a_sound_model_a_recording_is_refused_by_the_name_of_the_setting(files, tmp_path):
    folder = tmp_path / "library"
    paths = [files / "low.wav", files / "harbour.pdf"]
    expected = forecast(folder, None, None, paths, silent)
    with Library(Settings(library=folder)) as library:
        report = library.ingest(paths, silent)
        assert report.documents == expected.documents == 1
        for (refusal,) in (report.failed, expected.failed):
            assert refusal.path.name == "low.wav"
            assert refusal.error == (
                "a recording needs a sound model, and none is set: give "
                "--sound-model, or PAGELENS_SOUND_MODEL"
            )
        assert not any(line.startswith("Sounds") for line in describe_encoders(library))


def test_auto_without_a_gpu_or_the_hub_is_no_sound_model(monkeypatch):
    monkeypatch.setattr("app.sound_models.choose_sound_encoder", lambda: None)
    assert choose_sounds("auto", None) is None
    assert "no GPU" in str(refuse_sound("auto"))
    assert choose_sounds("auto", "laion/larger_clap_general").name == "laion/larger_clap_general"


def test_a_sound_model_that_there_is_not_is_told_before_the_library_is_made(tmp_path):
    with pytest.raises(UnknownEncoder, match="laion/clap-htsat-unfused"):
        Library(Settings(library=tmp_path / "library", sound_model="clapper"))
    assert list(tmp_path.glob("library/*.sqlite")) == []
