"""Documents over HTTP: uploaded, listed, shown, downloaded, deleted."""

import io

import pytest
from PIL import Image

from tests.app.api.asking import error_of, follow, pdf_bytes, upload
from tests.app.api.conftest import PAGE_LIMIT

NO_ID = "0" * 64

# Read as HTML, as a header, as a path, or as an end of a line, each would do harm.
HOSTILE_NAMES = [
    '<img src=x onerror=alert(1)>";\r\nSet-Cookie: a=b \u202e to left.pdf',
    f"Überfahrt;=%{'long' * 59}.pdf",
]


def test_an_upload_becomes_a_document_that_can_be_found_shown_and_deleted(receiving, tmp_path):
    before = set(receiving.library.upload_folder.iterdir())
    content = pdf_bytes(tmp_path, "The ferry leaves at six.", "Tickets are sold at the pier.")
    job = upload(receiving.http, content, "ferry.pdf", tags=["boats", "2026"])
    assert (job["state"], job["pages"], job["pages_done"]) == ("done", 2, 2)
    id_ = job["document_id"]

    listed = receiving.http.get("/api/v1/documents").json()
    assert listed["total"] == len(listed["documents"]) == 4
    assert listed["documents"][0]["name"] == "ferry.pdf"

    described = receiving.http.get(f"/api/v1/documents/{id_}").json()
    assert (described["pages"], described["bytes"]) == (2, len(content))
    assert described["tags"] == ["boats", "2026"]
    assert [page["page"] for page in described["page_details"]] == [1, 2]
    assert {page["text_source"] for page in described["page_details"]} == {"text-layer"}

    picture = receiving.http.get(f"/api/v1/documents/{id_}/pages/2/image")
    assert picture.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(picture.content)).format == "WEBP"

    assert receiving.http.delete(f"/api/v1/documents/{id_}").json() == {"deleted": [id_]}
    assert receiving.http.get(f"/api/v1/documents/{id_}").status_code == 404
    assert set(receiving.library.upload_folder.iterdir()) == before, "an upload is left over"


def test_a_list_is_given_in_parts(served):
    whole = served.http.get("/api/v1/documents").json()["documents"]
    part = served.http.get("/api/v1/documents", params={"limit": 1, "offset": 1}).json()
    assert part == {"documents": whole[1:2], "total": len(whole)}


def test_a_list_is_chosen_and_sorted(served):
    def listed(**params):
        answer = served.http.get("/api/v1/documents", params=params).json()
        assert answer["total"] == len(answer["documents"])
        return [document["name"] for document in answer["documents"]]

    everything = ["bakery.pdf", "dusk.png", "harbour.pdf"]
    assert listed(sort="name") == everything
    assert listed(sort="name", descending=True) == everything[::-1]
    assert listed(sort="pages")[0] == "harbour.pdf"
    assert listed(sort="pages", descending=False)[-1] == "harbour.pdf"
    assert listed(contains="HARB") == ["harbour.pdf"]
    assert listed(kind="photo") == ["dusk.png"]
    assert listed(tag="town", sort="name") == everything
    assert listed(tag="sea") == listed(name="bakery.pdf", kind="photo") == []
    assert served.http.get("/api/v1/tags").json() == {"tags": [{"tag": "town", "documents": 3}]}
    for wrong in ({"sort": "colour"}, {"kind": "film"}, {"tag": ""}):
        assert served.http.get("/api/v1/documents", params=wrong).status_code == 422


def test_a_document_gets_other_tags_and_is_made_anew_with_them(receiving):
    id_ = receiving.find("bakery.pdf")
    path = f"/api/v1/documents/{id_}"
    tagged = receiving.http.put(f"{path}/tags", json={"tags": ["shops", "food"]})
    assert tagged.json() == receiving.http.get("/api/v1/documents?tag=food").json()["documents"][0]
    answer = receiving.http.post(f"{path}/reindex")
    assert answer.status_code == 202
    job = follow(receiving.http, answer.json()["job_id"])[-1]
    assert (job["state"], job["document_id"], job["can_retry"]) == ("done", id_, False)
    assert receiving.http.get(path).json()["tags"] == ["shops", "food"]
    receiving.http.put(f"{path}/tags", json={"tags": ["town"]})


def test_several_files_of_one_request_are_jobs_of_their_own(receiving):
    files = [("files", (name, b"no PDF at all")) for name in ("one.pdf", "two.pdf")]
    jobs = receiving.http.post("/api/v1/documents", files=files).json()["jobs"]
    assert [job["name"] for job in jobs] == ["one.pdf", "two.pdf"]
    assert len({job["job_id"] for job in jobs}) == 2


def test_files_of_one_name_are_told_apart_by_where_they_come_from(receiving, tmp_path):
    def send(text, origin):
        files = {"files": ("minutes.pdf", pdf_bytes(tmp_path, text))}
        answer = receiving.http.post("/api/v1/documents", files=files, params={"origin": origin})
        (job,) = answer.json()["jobs"]
        return follow(receiving.http, job["job_id"])[-1]["document_id"]

    may, june = send("The minutes of May", "/may"), send("The minutes of June", "/june")
    corrected = send("The minutes of May, corrected", "/may")
    listed = receiving.http.get("/api/v1/documents").json()["documents"]
    ids = {d["document_id"] for d in listed if d["name"] == "minutes.pdf"}
    assert ids == {june, corrected} != {june, may}


def test_an_origin_is_that_of_one_file(receiving):
    files = [("files", (name, b"no PDF at all")) for name in ("one.pdf", "two.pdf")]
    answer = receiving.http.post("/api/v1/documents", files=files, params={"origin": "/in"})
    assert answer.status_code == 422
    assert error_of(answer)["message"] == "an origin is that of one file"


def test_what_answers_a_question_is_lit_up_on_its_page(served):
    page = f"/api/v1/documents/{served.find('harbour.pdf')}/pages/1"
    plain = Image.open(io.BytesIO(served.http.get(f"{page}/image").content))
    answer = served.http.get(f"{page}/evidence", params={"question": "mooring fees"})
    assert answer.headers["content-type"] == "image/webp"
    lit = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert lit.size == plain.size
    yellow = sum(
        count for count, (r, g, b) in lit.getcolors(1 << 20) if r > 200 and g > 150 and b < 120
    )
    assert yellow > 100


def test_an_original_is_downloaded_byte_for_byte_whatever_it_is_called(receiving, tmp_path):
    for number, name in enumerate(HOSTILE_NAMES):
        content = pdf_bytes(tmp_path, f"A page about the number {number} and nothing else.")
        job = upload(receiving.http, content, name)
        assert job["name"] == name
        answer = receiving.http.get(f"/api/v1/documents/{job['document_id']}/original")
        assert answer.content == content
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["content-disposition"].startswith("attachment; filename")
        assert "set-cookie" not in answer.headers
        assert "sandbox" in answer.headers["content-security-policy"]
        receiving.http.delete(f"/api/v1/documents/{job['document_id']}")


def test_folders_before_a_name_are_left_out(receiving):
    for sent in ("../../etc/cron.d/job.pdf", "C:\\Windows\\job.pdf", "/job.pdf"):
        answer = receiving.http.post("/api/v1/documents", files={"files": (sent, b"x")})
        assert answer.json()["jobs"][0]["name"] == "job.pdf"


def test_html_that_calls_itself_a_pdf_is_no_document(receiving):
    job = upload(receiving.http, b"<script>alert(1)</script>", "page.pdf")
    assert job["state"] == "failed"
    assert "not a PDF, a picture or an office file" in job["error"]


def test_a_document_of_too_many_pages_is_refused_with_both_numbers(receiving, tmp_path):
    content = pdf_bytes(tmp_path, *[f"Page {n} of too many" for n in range(PAGE_LIMIT + 1)])
    job = upload(receiving.http, content, "long.pdf")
    assert job["state"] == "failed"
    assert f"{PAGE_LIMIT + 1} pages" in job["error"]
    assert f"takes {PAGE_LIMIT}" in job["error"]


@pytest.mark.parametrize(
    "path", ["", "/original", "/pages/1/image", "/pages/1/evidence?question=x"]
)
def test_an_unknown_document_is_not_found(served, path):
    answer = served.http.get(f"/api/v1/documents/{NO_ID}{path}")
    assert answer.status_code == 404
    assert error_of(answer)["type"] == "UnknownDocument"


def test_a_page_that_is_not_there_is_not_found(served):
    pages = f"/api/v1/documents/{served.find('harbour.pdf')}/pages"
    for path in ("3/image", "3/evidence?question=fees"):
        answer = served.http.get(f"{pages}/{path}")
        assert answer.status_code == 404
        assert error_of(answer)["type"] == "UnknownPage"
    assert served.http.get(f"{pages}/0/image").status_code == 422


@pytest.mark.parametrize("name", ["harbour.pdf", "..", "%2e%2e%2f%2e%2e", "A" * 64, "0" * 63])
def test_only_an_id_names_a_document(served, name):
    answer = served.http.get(f"/api/v1/documents/{name}/original")
    assert answer.status_code in (404, 422)
    assert error_of(answer)


def test_a_document_called_like_the_id_of_another_is_not_taken_for_it(receiving, tmp_path):
    bakery = receiving.find("bakery.pdf")
    job = upload(receiving.http, pdf_bytes(tmp_path, "A forgery."), bakery)
    assert receiving.http.get(f"/api/v1/documents/{bakery}").json()["name"] == "bakery.pdf"
    receiving.http.delete(f"/api/v1/documents/{job['document_id']}")

    job = upload(receiving.http, pdf_bytes(tmp_path, "Another forgery."), NO_ID)
    assert receiving.http.delete(f"/api/v1/documents/{NO_ID}").status_code == 404
    receiving.http.delete(f"/api/v1/documents/{job['document_id']}")


def test_a_form_that_cannot_be_read_is_refused_with_its_reason(receiving):
    form = "multipart/form-data; boundary=x"
    for content_type, body, status in (
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"--x--", 422),
        (form, b"nothing", 422),
        (form, b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nb', 422),
        (form, b"--x--\r\n", 422),
    ):
        headers = {"content-type": content_type}
        answer = receiving.http.post("/api/v1/documents", content=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert error_of(answer)["message"]
    assert not any(path.is_dir() for path in receiving.library.upload_folder.iterdir())


def test_tags_and_fields_are_checked(receiving):
    files = {"files": ("a.pdf", b"x")}
    for data in ({"tags": [""]}, {"tags": ["x" * 101]}, {"colour": "red"}):
        answer = receiving.http.post("/api/v1/documents", files=files, data=data)
        assert answer.status_code == 422
        assert error_of(answer)["type"] == "InvalidRequest"
