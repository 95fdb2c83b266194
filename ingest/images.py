"""Opens pictures: one page a file, one page a frame for multi-frame TIFF."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from ingest.media_types import MediaType
from retrieval.errors import DamagedFile, FileRefused, PageTooLarge, TruncatedFile

# Decoded, such a picture takes 600 MB; the sharpest phone and scanner pictures have 200 megapixels.
PIXEL_LIMIT = 200_000_000

PILLOW_FORMATS = {
    MediaType.PNG: "PNG",
    MediaType.JPEG: "JPEG",
    MediaType.WEBP: "WEBP",
    MediaType.TIFF: "TIFF",
    MediaType.GIF: "GIF",
    MediaType.BMP: "BMP",
    MediaType.HEIC: "HEIF",
}


def count_frames(path: Path, media_type: MediaType) -> int:
    """The number of pages a picture has: its frames for TIFF, else 1.

    An animation is one page, its first frame.

    Raises:
        FileRefused: the picture cannot be opened, or is too large.
    """
    with _open(path, media_type) as image:
        if media_type is not MediaType.TIFF:
            return 1
        try:
            return int(getattr(image, "n_frames", 1))
        # Pillow walks through all frames, and raises what each of them makes it raise.
        except Exception as error:
            raise DamagedFile(f"the picture is damaged ({error})") from error


def read_frame(path: Path, media_type: MediaType, frame: int) -> Image.Image:
    """Decodes one frame in RGB, turned upright by its EXIF orientation, on white where transparent.

    Raises:
        FileRefused: the picture is damaged, cut off or too large.
    """
    with _open(path, media_type) as image:
        try:
            image.seek(frame)
            _check_size(image)
            image.load()
            return _flatten(ImageOps.exif_transpose(image))
        except (FileRefused, MemoryError):
            raise
        except EOFError as error:
            raise TruncatedFile("the picture is cut off: a frame is missing") from error
        # Pillow's decoders raise errors of many classes on damaged files.
        except Exception as error:
            if "truncated" in str(error) or "incomplete" in str(error).lower():
                raise TruncatedFile("the picture is cut off") from error
            raise DamagedFile(f"the picture is damaged ({error})") from error


def _open(path: Path, media_type: MediaType) -> Image.Image:
    if media_type is MediaType.HEIC:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    # Pillow's own limit warns and then raises; ours, checked before decoding, names the numbers.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=[PILLOW_FORMATS[media_type]])
    except UnidentifiedImageError as error:
        raise DamagedFile(f"the {media_type.name} picture is damaged or cut off") from error
    except Exception as error:
        raise DamagedFile(f"the {media_type.name} picture is damaged ({error})") from error
    _check_size(image)
    return image


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > PIXEL_LIMIT:
        raise PageTooLarge(
            f"the picture has {image.width} x {image.height} pixels "
            f"({image.width * image.height / 1e6:.0f} megapixels); "
            f"the limit is {PIXEL_LIMIT / 1e6:.0f} megapixels"
        )


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        # 16-bit scans: Pillow's own conversion clips them to white instead of scaling.
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(background, image).convert("RGB")
    return image.convert("RGB")
