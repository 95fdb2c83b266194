"""Reads recordings: the windows that an encoder hears, and a picture of the whole. Runs in a child.

libsndfile decodes, within the limits of the rendering processes; see `ingest/render.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from retrieval.encoders.base import SOUND_RATE_HZ, SOUND_WINDOW_S
from retrieval.errors import DamagedFile, NoPages, PageTooLarge, TruncatedFile

# Five minutes without a gap; of what is longer, windows that lie evenly spread.
WINDOWS = 30

# What microphones and studios write; a file that claims more takes memory, not sound.
RATES_HZ = (1_000, 384_000)
MAX_CHANNELS = 32

# The last of a file that must be there to be read: frames of MP3 and Vorbis are shorter.
TAIL_FRAMES = 4_096

# The picture: so high to its width, and so many bars, each of so many frames from its place on.
PICTURE_HEIGHT = 0.3
BARS = 160
BAR_FRAMES = 4_096
PAPER, INK, FAINT = "#fbfaf7", "#5b7c99", "#7a7a72"


@contextmanager
def open_recording(path: Path) -> Iterator[Any]:
    """Opens a recording by its content: soundfile would believe the name.

    Raises:
        DamagedFile, NoPages, PageTooLarge: nothing can be heard in it.
    """
    import soundfile

    try:
        with (
            path.open("rb") as file,
            soundfile.SoundFile(file.fileno(), closefd=False) as recording,
        ):
            if not recording.frames:
                raise NoPages("the recording is empty (0 s)")
            if not RATES_HZ[0] <= recording.samplerate <= RATES_HZ[1]:
                raise DamagedFile(f"a recording of {recording.samplerate:,} samples a second")
            if recording.channels > MAX_CHANNELS:
                raise PageTooLarge(
                    f"the recording has {recording.channels:,} channels; the limit is "
                    f"{MAX_CHANNELS}"
                )
            yield recording
    except soundfile.LibsndfileError as error:
        raise DamagedFile(f"no sound can be read from it ({error.error_string})") from error


def check_recording(path: Path) -> None:
    """Opens a recording and reads its end, which shows whether it is whole.

    Raises:
        FileRefused: it cannot become a document.
    """
    with open_recording(path) as recording:
        recording.seek(max(0, recording.frames - TAIL_FRAMES))
        if not len(recording.read(TAIL_FRAMES, dtype="float32", always_2d=True)):
            raise TruncatedFile("the recording ends before its last second")


def read_windows(path: Path) -> NDArray[np.int16]:
    """What an encoder hears of a recording: mono windows `[n_windows, n_samples]`.

    At `SOUND_RATE_HZ`, each `SOUND_WINDOW_S` long; a shorter recording is one shorter window. The
    last one ends with the recording, so that none is filled up.

    Raises:
        FileRefused: nothing can be heard in it.
    """
    with open_recording(path) as recording:
        n_frames, rate = recording.frames, recording.samplerate
        length = min(n_frames, SOUND_WINDOW_S * rate)
        n_windows = min(WINDOWS, ceil(n_frames / length))
        n_samples = max(1, length * SOUND_RATE_HZ // rate)
        windows = np.zeros((n_windows, n_samples), dtype=np.int16)
        for window, start in zip(
            windows, np.linspace(0, n_frames - length, n_windows, dtype=int), strict=True
        ):
            recording.seek(int(start))
            heard = _resample(_read_mono(recording, length), rate)[:n_samples]
            window[: len(heard)] = np.rint(32_767 * np.clip(heard, -1, 1))
        return windows


def draw_recording(path: Path, width_px: int) -> Image.Image:
    """The loudness of a recording from its begin to its end, and its length in seconds.

    Raises:
        FileRefused: nothing can be heard in it.
    """
    with open_recording(path) as recording:
        peaks = np.zeros(BARS)
        for bar, start in enumerate(np.linspace(0, recording.frames, BARS, False, dtype=int)):
            recording.seek(int(start))
            heard = _read_mono(recording, min(BAR_FRAMES, ceil(recording.frames / BARS)))
            peaks[bar] = np.abs(heard).max(initial=0.0)
        seconds = recording.frames / recording.samplerate
    height_px = round(PICTURE_HEIGHT * width_px)
    picture = Image.new("RGB", (width_px, height_px), PAPER)
    draw = ImageDraw.Draw(picture)
    margin, middle = width_px / 32, 0.44 * height_px
    step = (width_px - 2 * margin) / BARS
    # The loudest fills the height: what was recorded softly is seen as well.
    heights = np.maximum(0.36 * height_px * peaks / max(peaks.max(), 1e-6), step / 4)
    for bar, half in enumerate(heights):
        left = margin + bar * step
        box = (left, middle - half, left + 0.6 * step, middle + half)
        draw.rounded_rectangle(box, radius=0.3 * step, fill=INK)
    font = ImageFont.load_default(size=max(8, height_px / 14))
    place = (margin, 0.97 * height_px)
    draw.text(place, f"{seconds:,.1f} s", fill=FAINT, font=font, anchor="ls")
    return picture


def _read_mono(recording: Any, n_frames: int) -> NDArray[np.float32]:
    heard = recording.read(n_frames, dtype="float32", always_2d=True).mean(axis=1)
    # A file of floats may hold what is no number.
    heard = np.nan_to_num(heard, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asarray(heard, dtype=np.float32)


def _resample(heard: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    if rate_hz == SOUND_RATE_HZ or not len(heard):
        return heard
    from scipy.signal import resample_poly

    shared = gcd(rate_hz, SOUND_RATE_HZ)
    resampled = resample_poly(heard, SOUND_RATE_HZ // shared, rate_hz // shared)
    return np.asarray(resampled, dtype=np.float32)
