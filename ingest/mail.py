"""A mail as a web page: who wrote it to whom and when, what it says, and what is attached."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, MIMEPart
from html import escape
from pathlib import Path

from retrieval.errors import DamagedFile

HEADERS = ("From", "To", "Cc", "Date", "Subject")


def write_mail_as_html(path: Path, html: Path) -> None:
    """Writes a mail (RFC 5322) as a web page.

    Of several forms of its text the plain one is taken: a web page in a mail asks for pictures of
    other hosts, which are not fetched.

    Raises:
        DamagedFile: it holds neither a text nor an attachment.
    """
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    assert isinstance(message, EmailMessage), "the policy makes it one"
    rows = "".join(
        f"<p><b>{name}:</b> {escape(str(message[name]))}</p>" for name in HEADERS if message[name]
    )
    body = message.get_body(("plain", "html"))
    attached = [
        part.get_filename() or part.get_content_type() for part in message.iter_attachments()
    ]
    if body is None and not attached:
        raise DamagedFile("the mail holds neither a text nor an attachment")
    attachments = "".join(f"<li>{escape(name)}</li>" for name in attached)
    html.write_text(
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>'
        + rows
        + "<hr>"
        + _read_body(body)
        + (f"<hr><p><b>Attached:</b></p><ul>{attachments}</ul>" if attachments else "")
        + "</body></html>",
        encoding="utf-8",
    )


def _read_body(body: MIMEPart | None) -> str:
    if body is None:
        return ""
    try:
        text: str = body.get_content()
    except (LookupError, ValueError) as error:
        raise DamagedFile(f"the text of the mail cannot be read ({error})") from error
    if body.get_content_type() == "text/html":
        return text
    paragraphs = text.replace("\r\n", "\n").strip().split("\n\n")
    lines = (escape(paragraph).replace("\n", "<br>") for paragraph in paragraphs)
    return "".join(f"<p>{line}</p>" for line in lines)
