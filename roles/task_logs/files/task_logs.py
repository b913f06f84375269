# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the bucket of the task logs and sets its policy (``setup``), and deletes old logs (``expire``).

Runs in Airflow's image, which has boto3, with the administrator's key in the environment. Runs on Python 3.7.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Iterator

# What deleting takes in one request (S3's DeleteObjects).
BATCH = 1000
# Seconds to wait for the server, which may have just been started.
PATIENCE = 120.0


def policy(bucket: str) -> dict[str, Any]:
    """Who may do what: the webserver reads, the workers read and write, nobody but the administrator deletes."""
    objects, whole = f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"

    def allow(accounts: list[str], actions: list[str], resource: str) -> dict[str, Any]:
        return {"Effect": "Allow", "Principal": {"AWS": accounts}, "Action": actions, "Resource": [resource]}

    return {
        "Version": "2012-10-17",
        "Statement": [
            allow(["webserver", "workers"], ["s3:ListBucket"], whole),
            allow(["webserver", "workers"], ["s3:GetObject"], objects),
            # A large log comes in parts; what of it was sent is dropped if the rest cannot be.
            allow(["workers"], ["s3:PutObject", "s3:AbortMultipartUpload"], objects),
        ],
    }


def expired(objects: Iterable[tuple[str, datetime]], now: datetime, days: float) -> Iterator[str]:
    """The keys of the objects that were last written more than ``days`` days ago."""
    limit = now - timedelta(days=days)
    return (key for key, written in objects if written < limit)


def batches(keys: Iterable[str], size: int = BATCH) -> Iterator[list[str]]:
    """The keys in lists of at most that many."""
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def setup(client: Any, bucket: str) -> str:
    """Make the bucket where it is missing, set its policy where it differs, and say what was done."""
    from botocore.exceptions import ClientError

    done = []
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=bucket)
        done.append("created the bucket")
    wanted = policy(bucket)
    try:
        present = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        present = None
    if present != wanted:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))
        done.append("set its policy")
    return ", ".join(done) or "the bucket is ready"


def expire(client: Any, bucket: str, days: float, now: datetime) -> str:
    """Delete the logs that are older than ``days`` days, and say how many."""

    def objects() -> Iterator[tuple[str, datetime]]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents") or []:
                yield item["Key"], item["LastModified"]

    # Listed first: what is deleted meanwhile would move the pages.
    old = list(expired(objects(), now, days))
    failed = []
    for batch in batches(old):
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True})
        failed += answer.get("Errors") or []
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(old)} old logs cannot be deleted, the first one: {failed[0]}")
    return f"deleted {len(old)} logs older than {days:g} days"


def main() -> int:
    """Wait until the server answers, then run the task of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["setup", "expire"])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--days", type=float, default=0)
    options = parser.parse_args()

    import boto3
    from botocore.config import Config
    from botocore.exceptions import ConnectionError as NoAnswer
    from botocore.exceptions import HTTPClientError

    client = boto3.client(
        "s3",
        endpoint_url=options.endpoint,
        region_name="us-east-1",
        aws_access_key_id="administrator",
        aws_secret_access_key=os.environ["ADMINISTRATOR_KEY"],
        # A proxy of the environment is not meant for a Service of the cluster.
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}, s3={"addressing_style": "path"}, proxies={}),
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            print(setup(client, options.bucket))
            break
        except (NoAnswer, HTTPClientError) as error:
            if time.monotonic() > deadline:
                print(f"The log store does not answer at {options.endpoint}: {error}", file=sys.stderr)
                return 1
            time.sleep(1)
    if options.task == "expire" and options.days > 0:
        print(expire(client, options.bucket, options.days, datetime.now(timezone.utc)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
