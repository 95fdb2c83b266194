"""Turns office files, web pages and mails into PDFs, by LibreOffice in a process of its own.

An office file may name files of this machine and addresses to be shown in it, and run macros. So
LibreOffice runs with limits of time, memory and disk, with a profile that is thrown away
afterwards, with macros and links turned off, and, where the kernel can do that, kept from all
files but its own and from the network (see `ingest.confined`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ingest import confined
from ingest.mail import write_mail_as_html
from ingest.media_types import MediaType
from retrieval.errors import ConverterMissing, DamagedFile, FileRefused, RenderingFailed

# A report of 300 pages took 12 s here; the first conversion of a machine takes some more.
CONVERSION_S = 180
# Seconds of processor time, bytes of address space, and bytes of the largest file written.
LIMITS = (150, 6 << 30, 1 << 30)

# What a zip of a few kilobytes may unpack to before it is taken for a bomb.
UNPACKED_LIMIT_BYTES = 2 << 30

ENDINGS = {
    MediaType.DOCX: "docx",
    MediaType.PPTX: "pptx",
    MediaType.XLSX: "xlsx",
    MediaType.ODT: "odt",
    MediaType.ODP: "odp",
    MediaType.ODS: "ods",
    MediaType.HTML: "html",
    MediaType.EML: "html",
}

# The filters that LibreOffice opens and writes with; of itself it takes web pages for forms.
IMPORT_FILTERS = {MediaType.HTML: "HTML (StarWriter)", MediaType.EML: "HTML (StarWriter)"}
EXPORT_FILTERS = {
    MediaType.PPTX: "impress_pdf_Export",
    MediaType.ODP: "impress_pdf_Export",
    MediaType.XLSX: "calc_pdf_Export",
    MediaType.ODS: "calc_pdf_Export",
}

# (component, option, value) of LibreOffice's configuration; names as its registry schema has them.
OPTIONS = (
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableActiveContent", "true"),
    # Pictures and texts of other files and hosts, which a document only points to.
    ("Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Common/Security/Scripting", "DisablePythonRuntime", "true"),
    ("Calc/Content/Update", "Link", "2"),
    ("Writer/Content/Update", "Link", "0"),
)
# What would be fetched all the same goes to a proxy that nobody runs.
PROXY = (
    ("ooInetProxyType", "2"),
    ("ooInetHTTPProxyName", "127.0.0.1"),
    ("ooInetHTTPProxyPort", "9"),
    ("ooInetHTTPSProxyName", "127.0.0.1"),
    ("ooInetHTTPSProxyPort", "9"),
    ("ooInetNoProxy", ""),
)


def find_converter() -> str | None:
    """The path of LibreOffice's program; None where it is not installed."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def check_convertible(path: Path, media_type: MediaType) -> None:
    """Refuses what no conversion can come of, without converting it.

    Raises:
        ConverterMissing: there is no LibreOffice on this machine.
        DamagedFile: it is no whole zip archive, or unpacks to too much.
    """
    if find_converter() is None:
        raise ConverterMissing(f"a {media_type.label} needs LibreOffice, which is not installed")
    if not media_type.is_zipped:
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DamagedFile(f"the {media_type.label} is damaged: {error}") from error
    if unpacked > UNPACKED_LIMIT_BYTES:
        raise FileRefused(
            f"it unpacks to {unpacked / (1 << 30):,.1f} GiB; "
            f"the limit is {UNPACKED_LIMIT_BYTES >> 30} GiB"
        )


def convert_to_pdf(path: Path, media_type: MediaType, pdf: Path) -> None:
    """Writes a file's pages as a PDF.

    Args:
        path: the file; its name need not tell its format.
        media_type: what it is.
        pdf: where to write.

    Raises:
        ConverterMissing: there is no LibreOffice on this machine.
        FileRefused: LibreOffice makes nothing of the file, or takes too long.
    """
    check_convertible(path, media_type)
    program = find_converter()
    assert program is not None, "that was checked"
    with tempfile.TemporaryDirectory(prefix="pagelens-office-") as scratch:
        folder = Path(scratch)
        source = folder / f"document.{ENDINGS[media_type]}"
        if media_type is MediaType.EML:
            write_mail_as_html(path, source)
        else:
            shutil.copyfile(path, source)
        _write_options(folder / "profile" / "user")
        _run(program, source, media_type, folder)
        made = folder / "document.pdf"
        if not made.is_file() or not made.stat().st_size:
            raise DamagedFile(f"LibreOffice cannot read the {media_type.label}")
        shutil.copyfile(made, pdf)


def _run(program: str, source: Path, media_type: MediaType, folder: Path) -> None:
    export = EXPORT_FILTERS.get(media_type, "writer_pdf_Export")
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        *("--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"),
        *(f"--infilter={name}" for name in filter(None, [IMPORT_FILTERS.get(media_type)])),
        *("--convert-to", f"pdf:{export}", "--outdir", str(folder), str(source)),
    ]
    # Nothing of this process's environment, keys among it, is any of the document's business.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
    environment["TMPDIR"] = environment["HOME"]
    with subprocess.Popen(
        [sys.executable, "-I", confined.__file__, str(folder), *map(str, LIMITS), *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(CONVERSION_S)
        except subprocess.TimeoutExpired as error:
            raise RenderingFailed(f"LibreOffice took longer than {CONVERSION_S} s") from error
        finally:
            # LibreOffice's own children, too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _write_options(folder: Path) -> None:
    """Writes LibreOffice's configuration of a new profile."""
    folder.mkdir(parents=True)
    items = [(f"/org.openoffice.Office.{place}", name, value) for place, name, value in OPTIONS]
    items += [("/org.openoffice.Inet/Settings", name, value) for name, value in PROXY]
    lines = (
        f'<item oor:path="{place}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>"
        for place, name, value in items
    )
    (folder / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        + "\n".join(lines)
        + "\n</oor:items>\n",
        encoding="utf-8",
    )
