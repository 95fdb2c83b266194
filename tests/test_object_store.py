"""The bucket that other tests keep files in: fsspec reaches it by environment variables alone."""

import os
import subprocess
import sys

import pytest

from tests.object_store import serve_bucket

PROGRAM = """
import sys, fsspec
verb, url, *names = sys.argv[1:]
files, root = fsspec.url_to_fs(url)
for name in names:
    if verb == "write":
        files.pipe_file(f"{root}/{name}", f"what {name} holds".encode())
    elif verb == "read":
        print(files.cat_file(f"{root}/{name}").decode())
    else:
        files.rm_file(f"{root}/{name}")
if verb == "list":
    print(*sorted(path.rpartition("/")[2] for path in files.find(root)))
"""


@pytest.fixture(scope="module")
def bucket():
    with serve_bucket() as bucket:
        yield bucket


def start(bucket, *arguments):
    verb, *names = arguments
    url, environment = bucket
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, verb, url, *names],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process):
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return told.split("\n")[:-1]


def test_what_two_processes_write_a_third_lists_reads_and_deletes(bucket):
    writing = [start(bucket, "write", "a1", "a2"), start(bucket, "write", "b1", "b2")]
    for process in writing:
        finish(process)
    assert finish(start(bucket, "list")) == ["a1 a2 b1 b2"]
    assert finish(start(bucket, "read", "a2", "b1")) == ["what a2 holds", "what b1 holds"]
    finish(start(bucket, "delete", "a1", "b2"))
    assert finish(start(bucket, "list")) == ["a2 b1"]
