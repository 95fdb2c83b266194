"""Office files, web pages and mails for the tests, written here byte by byte."""

import zipfile
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
MAIN = "application/vnd.openxmlformats-officedocument"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


NO_TYPES: Mapping[str, str] = {}


def write_docx(path: Path, *pages: str) -> Path:
    """A Word document with a paragraph a page."""
    broken = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    body = broken.join(f"<w:p><w:r><w:t>{page}</w:t></w:r></w:p>" for page in pages)
    return _write_package(
        path,
        "word/document.xml",
        f"{MAIN}.wordprocessingml.document.main+xml",
        {"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'},
    )


def write_xlsx(path: Path, *rows: tuple[str, ...]) -> Path:
    """A workbook of one sheet, all cells texts."""
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    return _write_package(
        path,
        "xl/workbook.xml",
        f"{MAIN}.spreadsheetml.sheet.main+xml",
        {
            "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="Harvest" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship '
            f'Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{cells}'
            "</sheetData></worksheet>",
        },
        {"xl/worksheets/sheet1.xml": f"{MAIN}.spreadsheetml.worksheet+xml"},
    )


def write_open_document(path: Path, kind: str, body: str) -> Path:
    """An OpenDocument file.

    Args:
        kind: "text" or "presentation".
        body: what stands in its `office:text` or `office:presentation`.
    """
    names = {"office": "office", "text": "text", "draw": "drawing", "svg": "svg-compatible"}
    spaces = "".join(f' xmlns:{prefix}="{ODF}:{name}:1.0"' for prefix, name in names.items())
    mime = f"application/vnd.oasis.opendocument.{kind}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", mime)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" '
            'manifest:media-type="text/xml"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content{spaces} office:version="1.2">'
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
            "</office:document-content>",
        )
    return path


def write_odt(path: Path, text: str) -> Path:
    """A text document of one paragraph."""
    return write_open_document(path, "text", f"<text:p>{text}</text:p>")


def write_odp(path: Path, *slides: str) -> Path:
    """A presentation with a box of text a slide."""
    pages = "".join(
        f'<draw:page draw:name="page{number}"><draw:frame svg:x="2cm" svg:y="2cm" '
        f'svg:width="20cm" svg:height="4cm"><draw:text-box><text:p>{slide}</text:p>'
        "</draw:text-box></draw:frame></draw:page>"
        for number, slide in enumerate(slides, 1)
    )
    return write_open_document(path, "presentation", pages)


def write_mail(path: Path, subject: str, text: str, **attachments: bytes) -> Path:
    """A mail from the harbour office."""
    mail = EmailMessage()
    mail["From"] = "Harbour Office <office@example.org>"
    mail["To"] = "crew@example.org"
    mail["Date"] = "Fri, 27 Nov 2026 08:00:00 +0000"
    mail["Subject"] = subject
    mail.set_content(text)
    for name, content in attachments.items():
        mail.add_attachment(content, maintype="application", subtype="pdf", filename=f"{name}.pdf")
    path.write_bytes(mail.as_bytes())
    return path


def _write_package(
    path: Path,
    main: str,
    main_type: str,
    parts: dict[str, str],
    types: Mapping[str, str] = NO_TYPES,
) -> Path:
    """An Office Open XML package of these parts."""
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{content_type}"/>'
        for name, content_type in {main: main_type, **types}.items()
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{TYPES}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1" '
            f'Type="{OFFICE}/officeDocument" Target="{main}"/></Relationships>',
        )
        for name, content in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return path
