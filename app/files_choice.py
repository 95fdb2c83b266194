"""Where a library's originals and previews are: in its folder, or in a bucket."""

from __future__ import annotations

from app.settings import Settings
from ingest.documents import BUCKET, Documents
from ingest.files import LibraryFiles
from retrieval.errors import LibraryMismatch


def open_files(settings: Settings, documents: Documents) -> LibraryFiles:
    """Opens the place that the settings name; a library stays with the one it was made with.

    Raises:
        LibraryMismatch: its files are in another place.
        InvalidSetting, BucketFailed: the bucket cannot be reached.
    """
    bound = documents.read_setting(BUCKET)
    if settings.bucket is None:
        if bound is not None:
            raise LibraryMismatch(
                f"the files of the library {settings.library} are in {bound}, and PAGELENS_BUCKET "
                "is not set"
            )
        return LibraryFiles(settings.library)
    if bound is None and (documents.list_whole() or documents.list_unfinished()):
        raise LibraryMismatch(
            f"the files of the library {settings.library} are in its folder, not in "
            f"{settings.bucket}"
        )
    if bound not in (None, settings.bucket):
        raise LibraryMismatch(
            f"the files of the library {settings.library} are in {bound}, not in {settings.bucket}"
        )
    # fsspec is wanted by nobody else.
    from ingest.bucket import BucketFiles

    files = BucketFiles(settings.library, settings.bucket)
    documents.write_setting(BUCKET, settings.bucket)
    return files
