"""Jobs over HTTP: read at once, followed by events, held, ended, begun again."""

from itertools import pairwise

from tests.app.api.asking import error_of, follow, pdf_bytes, upload


def test_events_tell_every_change_and_end_with_the_job(receiving, tmp_path):
    content = pdf_bytes(tmp_path, "Salt is won from the sea.", "It is sold in sacks.")
    answer = receiving.http.post("/api/v1/documents", files={"files": ("salt.pdf", content)})
    (job,) = answer.json()["jobs"]
    states = follow(receiving.http, job["job_id"])
    assert all(before != after for before, after in pairwise(states))
    assert states[-1]["state"] == "done"
    assert receiving.http.get(f"/api/v1/jobs/{job['job_id']}").json() == states[-1]
    # Whoever comes late is told how it ended.
    assert follow(receiving.http, job["job_id"]) == states[-1:]
    receiving.http.delete(f"/api/v1/documents/{states[-1]['document_id']}")


def test_jobs_are_listed_newest_first(receiving):
    names = ["first.pdf", "second.pdf"]
    for name in names:
        upload(receiving.http, b"no PDF", name)
    listed = receiving.http.get("/api/v1/jobs", params={"limit": 2}).json()
    assert [job["name"] for job in listed["jobs"]] == names[::-1]
    assert listed["total"] >= 2


def test_a_failed_job_can_be_tried_again(receiving):
    job = upload(receiving.http, b"no PDF", "again.pdf")
    assert job["state"] == "failed"
    # The server keeps no upload that it has refused.
    assert (job["can_retry"], job["seconds_left"]) == (False, None)
    assert receiving.http.post(f"/api/v1/jobs/{job['job_id']}/retry").status_code == 200
    assert follow(receiving.http, job["job_id"])[-1]["state"] == "failed"


def test_a_waiting_job_is_held_goes_on_and_is_ended(receiving, tmp_path):
    # The first keeps the second waiting.
    contents = [pdf_bytes(tmp_path, f"The tide table of year {year}.") for year in (1901, 1902)]
    files = [("files", (f"tide-{n}.pdf", content)) for n, content in enumerate(contents)]
    first, second = receiving.http.post("/api/v1/documents", files=files).json()["jobs"]
    job = f"/api/v1/jobs/{second['job_id']}"
    assert receiving.http.post(f"{job}/pause").json()["state"] == "paused"
    assert receiving.http.post(f"{job}/resume").json()["state"] in ("queued", "running")
    assert receiving.http.post(f"{job}/pause").json()["state"] == "paused"
    assert receiving.http.post(f"{job}/cancel").json()["state"] == "cancelled"
    assert follow(receiving.http, second["job_id"])[-1]["state"] == "cancelled"
    done = follow(receiving.http, first["job_id"])[-1]
    assert done["state"] == "done"
    receiving.http.delete(f"/api/v1/documents/{done['document_id']}")


def test_an_unknown_job_is_not_found_also_by_its_events(receiving):
    jobs = receiving.http.get
    for answer in (
        jobs("/api/v1/jobs/nobody"),
        jobs("/api/v1/jobs/nobody/events"),
        *(receiving.http.post(f"/api/v1/jobs/nobody/{verb}") for verb in ("cancel", "pause")),
        *(receiving.http.post(f"/api/v1/jobs/nobody/{verb}") for verb in ("resume", "retry")),
    ):
        assert answer.status_code == 404
        assert error_of(answer)["type"] == "UnknownJob"
