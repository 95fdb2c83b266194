"""The originals and previews of a library in a bucket of an object store, such as S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import fsspec

from ingest.files import (
    CODEBOOK,
    LibraryFiles,
    codebook_path,
    original_path,
    preview_path,
    readable_path,
)
from retrieval.errors import BucketFailed, InvalidSetting
from retrieval.index.cells import Codebook


class BucketFiles(LibraryFiles):
    """Files in a bucket, with copies in the library folder of those that this machine has used.

    The copies of previews stay, and may be deleted at any time.
    """

    def __init__(self, folder: Path, url: str) -> None:
        """Reaches for the bucket.

        Args:
            folder: the library's, on this machine.
            url: `s3://bucket/prefix`, or another that fsspec knows; the store's own environment
                variables name its address and keys.

        Raises:
            InvalidSetting: nothing installed speaks to such a store.
            BucketFailed: the store does not answer, or refuses.
        """
        super().__init__(folder)
        self._url = url.rstrip("/")
        try:
            # Other machines write there, too: what was listed before says nothing.
            self._store, self._root = fsspec.url_to_fs(self._url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InvalidSetting(f"PAGELENS_BUCKET {url}: {error}") from error
        with self._errors():
            self._store.exists(self._name(folder / CODEBOOK))

    def keep_original(self, document_id: str, path: Path) -> None:
        """See `LibraryFiles.keep_original`."""
        if not self.has_original(document_id):
            super().keep_original(document_id, path)
            self._upload(original_path(self.folder, document_id))

    def has_original(self, document_id: str) -> bool:
        """See `LibraryFiles.has_original`; a copy that was not uploaded is none."""
        with self._errors():
            return bool(self._store.exists(self._name(original_path(self.folder, document_id))))

    def find_original(self, document_id: str) -> Path | None:
        """See `LibraryFiles.find_original`."""
        kept = super().find_original(document_id)
        return kept or self._download(original_path(self.folder, document_id))

    def keep_preview(self, document_id: str, page_index: int, content: bytes) -> None:
        """See `LibraryFiles.keep_preview`."""
        super().keep_preview(document_id, page_index, content)
        self._upload(preview_path(self.folder, document_id, page_index))

    def list_previews(self, document_id: str) -> set[int]:
        """See `LibraryFiles.list_previews`."""
        names: list[str] = []
        with self._errors(), suppress(FileNotFoundError):
            folder = self._name(preview_path(self.folder, document_id, 0).parent)
            names = self._store.ls(folder, detail=False)
        return {int(Path(name).stem) for name in names if name.endswith(".webp")}

    def find_preview(self, document_id: str, page_index: int) -> Path | None:
        """See `LibraryFiles.find_preview`."""
        kept = super().find_preview(document_id, page_index)
        return kept or self._download(preview_path(self.folder, document_id, page_index))

    def let_go(self, document_id: str) -> None:
        """See `LibraryFiles.let_go`; the bucket has it."""
        original_path(self.folder, document_id).unlink(missing_ok=True)
        readable_path(self.folder, document_id).unlink(missing_ok=True)

    def remove(self, document_id: str) -> None:
        """See `LibraryFiles.remove`."""
        previews = preview_path(self.folder, document_id, 0).parent
        with self._errors():
            for path in (previews, original_path(self.folder, document_id)):
                with suppress(FileNotFoundError):
                    self._store.rm(self._name(path), recursive=path == previews)
        super().remove(document_id)

    def keep_codebook(self, codebook: Codebook, space: str) -> None:
        """See `LibraryFiles.keep_codebook`."""
        super().keep_codebook(codebook, space)
        self._upload(codebook_path(self.folder, space))

    def find_codebook(self, space: str) -> Path | None:
        """See `LibraryFiles.find_codebook`; another machine may have made a newer one."""
        return self._download(codebook_path(self.folder, space))

    def remove_codebook(self, space: str) -> None:
        """See `LibraryFiles.remove_codebook`."""
        with self._errors(), suppress(FileNotFoundError):
            self._store.rm(self._name(codebook_path(self.folder, space)))
        super().remove_codebook(space)

    def _name(self, path: Path) -> str:
        return f"{self._root}/{path.relative_to(self.folder).as_posix()}"

    def _upload(self, path: Path) -> None:
        with self._errors():
            self._store.put_file(str(path), self._name(path))

    def _download(self, path: Path) -> Path | None:
        # Others may fetch the same file at the same time.
        part = path.with_name(f"{path.name}.{uuid4().hex}.part")
        try:
            with self._errors():
                path.parent.mkdir(parents=True, exist_ok=True)
                self._store.get_file(self._name(path), str(part))
                part.replace(path)
        except FileNotFoundError:
            return None
        finally:
            part.unlink(missing_ok=True)
        return path

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Maps what the store's client raises: each has classes of its own."""
        try:
            yield
        except (BucketFailed, FileNotFoundError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise BucketFailed(f"the bucket {self._url}: {reason}") from error
