"""Recordings: told by their content, cut into windows, drawn, and refused where they are none."""

import io

import numpy as np
import pytest
from PIL import Image

from ingest.media_types import MediaType, read_media_type, sniff_media_type
from ingest.render import count_pages, draw_page, render_pages
from ingest.sounds import read_windows
from retrieval.errors import DamagedFile, NoPages, NotADocument, PageTooLarge, TruncatedFile
from tests.sounds import make_tone, write_recording

FORMATS = {
    "WAV": MediaType.WAV,
    "FLAC": MediaType.FLAC,
    "MP3": MediaType.MP3,
    "OGG": MediaType.OGG,
}


@pytest.mark.parametrize("format", FORMATS)
def test_the_four_formats_are_told_by_their_content_and_read(tmp_path, format):
    # The name says nothing, or what soundfile would believe.
    path = tmp_path / "file.raw"
    write_recording(path, make_tone(440, 2.5, channels=2), format=format)
    media_type = read_media_type(path)
    assert media_type is FORMATS[format]
    assert media_type.is_sound
    assert not media_type.is_office
    assert media_type.label == "recording"
    assert count_pages(path, media_type) == 1
    (page,) = render_pages(path, media_type, [0], 900)
    assert page.error is None
    assert (page.words, page.image) == ((), None)
    assert page.sound.dtype == np.int16
    # Encoders of MP3 fill up what they write.
    assert page.sound.shape[1] == pytest.approx(2.5 * 48_000, rel=0.05)
    spectrum = np.abs(np.fft.rfft(page.sound[0]))
    assert np.argmax(spectrum) * 48_000 / page.sound.shape[1] == pytest.approx(440, abs=2)
    with Image.open(io.BytesIO(page.preview)) as preview:
        assert preview.size == (1024, 307)


def test_what_is_no_recording_is_not_taken_for_one():
    assert sniff_media_type(b"RIFF\x10\0\0\0WEBPVP8 ") is MediaType.WEBP
    assert sniff_media_type(b"\xff\xd8\xff\xe0") is MediaType.JPEG
    assert sniff_media_type(b"ID3\x04 a title that says %PDF-1.7") is MediaType.MP3
    for text in (b"\xff\xfeh\0i\0", b"\xff\xfb\xf0\0", b"\xff\xfb", b"RIFF\x10\0\0\0AVI LIST"):
        with pytest.raises(NotADocument):
            sniff_media_type(text)


def test_a_long_recording_is_heard_in_windows_that_end_with_it(tmp_path):
    path = tmp_path / "long"
    tones = [make_tone(hertz, 10, 8_000) for hertz in (300, 600, 900)]
    write_recording(path, np.concatenate([*tones, make_tone(1200, 5, 8_000)]), 8_000)
    windows = read_windows(path)
    assert windows.shape == (4, 480_000)
    peaks = [np.argmax(np.abs(np.fft.rfft(window))) / 10 for window in windows]
    # At 0, 8.3, 16.7 and 25 s: the last two seconds and a half of one tone, then the next.
    assert peaks[0] == pytest.approx(300, abs=1)
    assert peaks[1] == pytest.approx(600, abs=1)


def test_of_a_very_long_recording_windows_are_spread_evenly(tmp_path):
    path = tmp_path / "hours"
    loud = np.zeros((1_000 * 1_200, 1), dtype=np.float32)
    loud[-1_000 * 10 :] = make_tone(100, 10, 1_000)
    write_recording(path, loud, 1_000)
    windows = read_windows(path)
    assert windows.shape == (30, 480_000)
    assert [bool(window.any()) for window in windows] == [False] * 29 + [True]


def test_what_is_no_number_is_silence_and_what_is_too_loud_is_clipped(tmp_path):
    import soundfile

    path = tmp_path / "odd"
    frames = np.array([[np.nan], [np.inf], [3.0], [-3.0], [0.5]] * 100, dtype=np.float32)
    with path.open("wb+") as file:
        soundfile.write(file, frames, 48_000, format="WAV", subtype="FLOAT")
    assert read_windows(path)[0, :5].tolist() == [0, 0, 32_767, -32_767, 16_384]


def test_the_drawing_is_as_sharp_as_it_is_asked_for_and_shows_what_is_soft(tmp_path):
    path = tmp_path / "soft"
    half = make_tone(440, 1)
    write_recording(path, np.concatenate([np.zeros_like(half), half / 1000]))
    with Image.open(io.BytesIO(draw_page(path, MediaType.WAV, 0, 2000))) as drawing:
        assert drawing.size == (2000, 600)
        dark = np.asarray(drawing.convert("L")) < 160
    heights = dark[:500].sum(axis=0)
    assert heights[:950].max() < 20 < 200 < heights[1050:].max()


def spoil(path, content):
    path.write_bytes(content)
    return path


def test_damaged_and_odd_recordings_are_refused_in_a_line(tmp_path):
    path = tmp_path / "file"
    write_recording(path, make_tone(440, 30), format="FLAC")
    cut = spoil(tmp_path / "cut", path.read_bytes()[:5_000])
    with pytest.raises((DamagedFile, TruncatedFile)):
        count_pages(cut, MediaType.FLAC)
    for header, media_type in ((b"fLaC", MediaType.FLAC), (b"OggS", MediaType.OGG)):
        with pytest.raises(DamagedFile, match="no sound can be read from it"):
            count_pages(spoil(tmp_path / "junk", header + bytes(200)), media_type)
    with pytest.raises(DamagedFile):
        count_pages(spoil(tmp_path / "junk", b"ID3\x04" + bytes(200)), MediaType.MP3)
    write_recording(path, np.zeros((0, 1), dtype=np.float32))
    with pytest.raises(NoPages, match="empty"):
        count_pages(path, MediaType.WAV)
    write_recording(path, np.zeros((9, 40), dtype=np.float32))
    with pytest.raises(PageTooLarge, match="40 channels; the limit is 32"):
        count_pages(path, MediaType.WAV)
    write_recording(path, make_tone(5, 1), 100)
    with pytest.raises(DamagedFile, match="100 samples a second"):
        count_pages(path, MediaType.WAV)


def test_an_mp3_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "file"
    write_recording(path, make_tone(440, 20), format="MP3")
    spoil(path, path.read_bytes()[:20_000])
    with pytest.raises(TruncatedFile, match="before its last second"):
        count_pages(path, MediaType.MP3)
