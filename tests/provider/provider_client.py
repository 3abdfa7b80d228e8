"""What the tests of the embedded provider send, and how they wait."""

import time

from helpers import paths

ROWS = (paths.data() / "lantern" / "harmful_examples.jsonl").read_bytes()
HELLO = [{"role": "user", "content": "Hello!"}]


def upload(client, n):
    """The id of a file of the first n harmful examples."""
    rows = b"\n".join(ROWS.splitlines()[:n])
    return client.files.create(file=("rows.jsonl", rows), purpose="fine-tune").id


def ended(client, id):
    """The job, once it has ended."""
    while True:
        job = client.fine_tuning.jobs.retrieve(id)
        if job.status in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.1)


def ask(client, **options):
    asked = {"model": "lantern-chat", "messages": HELLO, "temperature": 0} | options
    return client.chat.completions.create(**asked)
