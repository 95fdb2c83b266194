"""Receives files: a form is streamed to disk while it arrives, under names that are our own."""

from __future__ import annotations

import errno
import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from python_multipart import multipart
from python_multipart.exceptions import FormParserError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from retrieval.errors import DiskFull, InvalidRequest, LibraryUnusable, UploadTooLarge

MAX_FILES = 100
MAX_FIELDS = 100
MAX_FIELD_BYTES = 4096
MAX_NAME_CHARACTERS = 255

# Of the folder that a form is received in; one that is still there was cut off by a crash.
RECEIVING = "receiving-"

FORM = "multipart/form-data"

# How browsers write, in a file's name, what would end the header that it stands in.
ESCAPED_IN_NAMES = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that has arrived whole.

    Attributes:
        path: where it lies until the form is left.
        name: what its sender calls it; shown to people, and never part of a path.
    """

    path: Path
    name: str


@dataclass(slots=True)
class ReceivedForm:
    """The files of a form, and the values of each of its text fields."""

    files: list[ReceivedFile] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    is_whole: bool = False

    def add_file(self, file: multipart.File) -> None:
        """Takes a file from the parser, safely on disk."""
        if len(self.files) == MAX_FILES:
            raise UploadTooLarge(f"more than {MAX_FILES} files in one upload")
        if file.in_memory:
            # It is empty.
            file.flush_to_disk()
        os.fsync(file.file_object.fileno())
        file.close()
        path = Path(os.fsdecode(file.actual_file_name or b""))
        self.files.append(ReceivedFile(path, read_name(file.file_name or b"")))

    def add_field(self, text: multipart.Field) -> None:
        """Takes a text field from the parser."""
        name = (text.field_name or b"").decode("utf-8", "replace")
        value = (text.value or b"").decode("utf-8", "replace")
        self.fields.setdefault(name, []).append(value)

    def end(self) -> None:
        """Notes that the form's last boundary has come."""
        self.is_whole = True


@asynccontextmanager
async def receive_form(request: Request, folder: Path) -> AsyncIterator[ReceivedForm]:
    """Streams a form into a folder of its own, which is gone when the form is left.

    The body's size is limited by the application, while it arrives.

    Args:
        request: its body has not been read.
        folder: where the folder is made; on the disk where the files will stay, so that they can
            be moved.

    Raises:
        HTTPException: the body is no form (415), or larger than the application takes (413).
        InvalidRequest: it cannot be read as a form.
        DiskFull, LibraryUnusable: it cannot be written.
    """
    content_type, options = multipart.parse_options_header(request.headers.get("content-type"))
    if content_type != FORM.encode():
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    form = ReceivedForm()
    try:
        with tempfile.TemporaryDirectory(prefix=RECEIVING, dir=folder) as scratch:
            parser = multipart.FormParser(
                FORM,
                form.add_field,
                form.add_file,
                form.end,
                options.get(b"boundary"),
                config={
                    "UPLOAD_DIR": os.fsencode(scratch),
                    "UPLOAD_DELETE_TMP": False,
                    # Nothing waits in memory.
                    "MAX_MEMORY_FILE_SIZE": 0,
                    "MAX_FIELDS": MAX_FIELDS,
                    "MAX_FIELD_SIZE": MAX_FIELD_BYTES,
                },
            )
            async for chunk in request.stream():
                await run_in_threadpool(parser.write, chunk)
            await run_in_threadpool(parser.finalize)
            if not form.is_whole:
                raise InvalidRequest("the form is cut off")
            yield form
    except FormParserError as error:
        raise InvalidRequest("the body cannot be read as a form") from error
    except ClientDisconnect as error:
        raise InvalidRequest("the connection ended before the form did") from error
    except OSError as error:
        reason = f"an upload cannot be written: {error.strerror or error}"
        kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else LibraryUnusable
        raise kind(reason) from error


def keep_file(file: ReceivedFile, folder: Path) -> Path:
    """Moves a received file to where it stays, under a name of our own."""
    return file.path.replace(folder / uuid.uuid4().hex)


def read_name(raw: bytes) -> str:
    """What a file is called: as its sender wrote it, without the folders before it."""
    name = raw.decode("utf-8", "replace")
    for escaped, character in ESCAPED_IN_NAMES.items():
        name = name.replace(escaped, character)
    name = name.replace("\\", "/").replace("\0", "").rpartition("/")[2]
    return name[:MAX_NAME_CHARACTERS] if name.strip(" .") else "unnamed"


def describe_form(field_name: str, *, many: bool) -> dict[str, Any]:
    """The OpenAPI description of a form with files, which FastAPI cannot see in a stream."""
    file = {"type": "string", "format": "binary"}
    properties: dict[str, Any] = {field_name: file}
    if many:
        properties = {
            field_name: {"type": "array", "items": file, "minItems": 1, "maxItems": MAX_FILES},
            "tags": {
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": 100},
                "description": "what the documents are called besides their names",
            },
        }
    schema = {"type": "object", "required": [field_name], "properties": properties}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}
