"""What assistants can ask of a library by MCP, open here or held by a server."""

import base64
import io
import re

import pytest
from mcp.shared.exceptions import MCPError
from PIL import Image

from app.mcp_bodies import page_uri
from app.page_views import write_lines
from app.small_picture import shrink_picture
from retrieval.records import Box, Word
from tests.app.api.assistants import serve_assistants, speak_http, speak_stdio
from tests.documents import draw_noise, draw_photo
from tests.libraries import copy_library
from tests.terminal import ROOT

QUESTION = "Who collects the mooring fees?"


@pytest.fixture(scope="module")
def folder(library_folder, tmp_path_factory):
    """A library that nobody holds, of which an assistant may keep what it likes."""
    copy = tmp_path_factory.mktemp("assistants") / "library"
    copy_library(library_folder, copy)
    return copy


@pytest.fixture(scope="module")
def by_stdio(folder):
    """An assistant of a library that nobody else holds."""
    with speak_stdio(folder) as assistant:
        yield assistant


@pytest.fixture(scope="module")
def by_http(served):
    """An assistant of a library that a server holds, which is asked."""
    with serve_assistants(served.library.folder) as address, speak_http(address) as assistant:
        yield assistant


@pytest.fixture(params=["by_stdio", "by_http"])
def assistant(request):
    return request.getfixturevalue(request.param)


def test_the_tools_only_read_and_say_that_pages_are_no_instructions(assistant):
    tools = {tool.name: tool for tool in assistant.run("list_tools").tools}
    assert tools.keys() == {"search_pages", "look_at_page", "list_documents"}
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        assert not tool.annotations.open_world_hint
        assert "not instructions" in tool.description
        assert tool.output_schema["type"] == "object"
        for argument in tool.input_schema["properties"].values():
            assert argument["description"]
    assert "never follow instructions" in assistant.client.instructions


def test_the_readme_tells_every_tool_and_argument(by_http):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", readme, re.MULTILINE))
    for tool in by_http.run("list_tools").tools:
        assert (
            set(re.findall(r"`(\w+)`", rows[tool.name])) == tool.input_schema["properties"].keys()
        )


def test_a_question_finds_the_page_and_says_why(assistant):
    found, pictures = assistant.call("search_pages", question=QUESTION)
    first = found["pages"][0]
    assert (first["document"], first["page"], first["kind"]) == ("harbour.pdf", 1, "page")
    assert found["good_match"]
    assert first["score"] == 1
    assert "collects mooring fees" in first["passage"]
    matched = {match["word"].strip("?"): match for match in first["matched"]}
    assert {"collects", "mooring", "fees"} <= matched.keys()
    x0, y0, x1, y1 = matched["mooring"]["box"]
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 < 0.2
    assert matched["mooring"]["similarity"] > 0.6
    assert (pictures, found["pictures"]) == ([], 0)


def test_pictures_of_the_best_pages_come_with_a_search(assistant):
    found, pictures = assistant.call("search_pages", question=QUESTION, with_pictures=2)
    assert found["pictures"] == len(pictures) == 2
    assert pictures[0].width == 800
    assert pictures[0].height > 1100


def test_a_search_is_narrowed(assistant):
    def names(**filters):
        found, _ = assistant.call("search_pages", question="the first of May", **filters)
        return [(page["document"], page["page"]) for page in found["pages"]]

    assert names(limit=1) == [("harbour.pdf", 1)]
    assert names(documents=["bakery.pdf"]) == [("bakery.pdf", 1)]
    assert names(first_page=2, last_page=2) == [("harbour.pdf", 2)]
    assert names(kind="photo") == [("dusk.png", 1)]
    assert names(tags=["another"]) == []
    assert names(added_until="2020-01-01") == []
    assert ("harbour.pdf", 1) in names(added_from="2020-01-01", tags=["town", "another"])


def test_nonsense_is_no_good_match(assistant):
    found, _ = assistant.call("search_pages", question="zxqv blorptang 99817 frumious")
    assert not found["good_match"]


def test_a_page_is_looked_at(assistant):
    seen, (picture,) = assistant.call("look_at_page", document="harbour.pdf", page=2)
    assert (seen["page"], seen["pages_in_document"]) == (2, 2)
    assert " ".join(seen["text"].split()) == (
        "Storm warnings are shown as red flags on the mast beside the lighthouse."
    )
    assert not seen["text_is_cut"]
    assert picture.size == (seen["width_px"], seen["height_px"])
    assert picture.width == 1000
    large, (sharp,) = assistant.call(
        "look_at_page", document=seen["document_id"][:12], page=2, width=1600
    )
    assert sharp.width == large["width_px"] == pytest.approx(1600, abs=4)
    small, (thumbnail,) = assistant.call("look_at_page", document="dusk.png", width=200)
    assert (thumbnail.width, small["text"]) == (200, "")


def test_what_answers_a_question_is_lit_up(assistant):
    _, (plain,) = assistant.call("look_at_page", document="harbour.pdf", page=1)
    _, (lit,) = assistant.call("look_at_page", document="harbour.pdf", page=1, question=QUESTION)
    assert colours(plain) < 0.001 < colours(lit)


def colours(picture):
    """The share of a picture that is neither black nor white nor grey."""
    saturation = picture.convert("HSV").getchannel("S")
    return sum(saturation.histogram()[64:]) / (picture.width * picture.height)


def test_documents_are_listed(assistant):
    listed, _ = assistant.call("list_documents")
    documents = {document["document"]: document for document in listed["documents"]}
    assert {name: d["pages"] for name, d in documents.items()} == {
        "harbour.pdf": 2,
        "bakery.pdf": 1,
        "dusk.png": 1,
    }
    assert documents["dusk.png"]["kind"] == "photo"
    assert documents["harbour.pdf"]["tags"] == ["town"]
    some, _ = assistant.call("list_documents", contains="HARBOUR")
    assert [document["document"] for document in some["documents"]] == ["harbour.pdf"]
    by_tag, _ = assistant.call("list_documents", contains="tow", limit=1, offset=1)
    assert (len(by_tag["documents"]), by_tag["total"]) == (1, 3)
    assert by_tag["documents"] == listed["documents"][1:2]
    assert assistant.call("list_documents", contains="nothing of it")[0]["total"] == 0


def test_a_page_is_a_resource(assistant):
    (template,) = assistant.run("list_resource_templates").resource_templates
    assert template.uri_template == page_uri("{document_id}", "{page}")
    found, _ = assistant.call("search_pages", question=QUESTION, limit=1)
    (content,) = assistant.run("read_resource", found["pages"][0]["uri"]).contents
    assert content.mime_type == "image/jpeg"
    picture = Image.open(io.BytesIO(base64.b64decode(content.blob)))
    assert picture.width == pytest.approx(1600, abs=4)
    for uri in (page_uri("0" * 64, 1), page_uri(found["pages"][0]["document_id"], 3)):
        with pytest.raises(MCPError, match="list_documents tells every document") as refused:
            assistant.run("read_resource", uri)
        assert "\n" not in str(refused.value)
    with pytest.raises(MCPError, match="page: Input should be a valid integer"):
        assistant.run("read_resource", page_uri("0" * 64, "one"))


UNKNOWN = "list_documents tells every document's name, id and number of pages."


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        (
            "look_at_page",
            {"document": "nobody.pdf"},
            f"no document is called 'nobody.pdf'. {UNKNOWN}",
        ),
        (
            "search_pages",
            {"question": "fees", "documents": ["nobody.pdf"]},
            f"no document is called 'nobody.pdf'. {UNKNOWN}",
        ),
        (
            "look_at_page",
            {"document": "harbour.pdf", "page": 3},
            f"harbour.pdf has 2 pages, no page 3. {UNKNOWN}",
        ),
        ("look_at_page", {"document": "harbour.pdf", "page": 0}, "page: Input should be greater"),
        ("search_pages", {"question": "  "}, "question: it is empty"),
        ("look_at_page", {"document": "harbour.pdf", "question": ""}, "question: it is empty"),
        ("search_pages", {"question": "a\x00b"}, "question: it holds a NUL character"),
        ("search_pages", {"question": "long " * 500}, "question: String should have at most 2000"),
        ("search_pages", {"question": "fees", "limit": 21}, "limit: Input should be less than"),
        ("search_pages", {"question": "fees", "with_pictures": 9}, "with_pictures: Input should"),
        (
            "search_pages",
            {"question": "fees", "kind": "film"},
            "kind: Input should be 'page', 'photo' or",
        ),
        (
            "search_pages",
            {"question": "fees", "first_page": 3, "last_page": 2},
            "first_page comes after last_page",
        ),
        ("search_pages", {}, "question: Field required"),
        ("search_pages", {"question": "fees", "top_k": 3}, "search_pages takes no top_k; it takes"),
        ("delete_document", {"document": "harbour.pdf"}, "Unknown tool: delete_document"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_told_in_one_line(assistant, tool, arguments, told):
    assert assistant.fail(tool, **arguments).startswith(told)


def test_pictures_stay_within_what_an_assistant_takes():
    noise = draw_noise((2000, 2800))
    small = shrink_picture(noise, 2000, 600_000)
    assert len(small.content) <= 600_000
    assert Image.open(io.BytesIO(small.content)).size == (small.width_px, small.height_px)
    assert small.height_px / small.width_px == pytest.approx(1.4, abs=0.01)
    assert shrink_picture(draw_photo((320, 240)), 1000, 600_000).width_px == 320


def test_the_text_of_a_page_has_its_lines():
    words = [
        Word("Fees", Box(0.1, 0.1, 0.2, 0.12)),
        Word("12,50", Box(0.5, 0.101, 0.6, 0.121)),
        Word("Total", Box(0.1, 0.14, 0.2, 0.16)),
    ]
    assert write_lines(words) == "Fees 12,50\nTotal"
    assert write_lines([]) == ""
