"""A bucket on an S3-compatible server on 127.0.0.1 (moto), for the tests of files in a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import boto3
from moto.server import ThreadedMotoServer

REGION = "us-east-1"


@contextmanager
def serve_bucket() -> Iterator[tuple[str, dict[str, str]]]:
    """Serves an empty bucket, in the memory of this process, until the block ends.

    Gives `s3://bucket/prefix`, and the environment variables by which fsspec reaches it in a child
    process. moto checks no signature: any key opens the bucket.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "pagelens",
            "AWS_SECRET_ACCESS_KEY": "a-secret-that-nobody-may-read",
            "AWS_DEFAULT_REGION": REGION,
        }
        # moto keeps one store a process, whichever of its servers is asked.
        bucket = f"pagelens-test-{uuid4().hex}"
        boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        ).create_bucket(Bucket=bucket)
        yield f"s3://{bucket}/files", environment
    finally:
        server.stop()
