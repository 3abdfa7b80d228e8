"""How a provider's completions compare with the local backend's, and how soon it answers.

    python benchmarks/provider.py

In turn on the same model and cores: 330 greedy answers by the local backend, whole and 64 at a
time, over HTTP by 64 clients and by 330, and by one batch; then the time of /v1/models while a job
trains. Prints seconds, the ratios of throughputs, and the 95th percentile.
"""

import asyncio
import gc
import io
import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import openai
from figures import Figure, show

from helpers.data.rows import read_prompts
from helpers.data.sources.catalog import locate
from helpers.hosted import completions, embedded
from helpers.models import generate, loading

ROUNDS = 3


def local(prompts, batch_size: int = 0) -> float:
    model, tokenizer = loading.load("lantern-base")
    start = time.perf_counter()
    generate.complete(model, tokenizer, prompts, batch_size=batch_size)
    return time.perf_counter() - start


async def over_http(url: str, token: str, prompts, clients: int) -> float:
    """Seconds until so many clients, each on a connection of its own, have all answers.

    Bytes are written by hand: a client library takes longer over a request than the provider
    over its answer. Any reply but 200 stops the benchmark.
    """
    host, port = url.split("/")[2].split(":")
    left = list(prompts)

    async def work() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while left:
            body = {"model": "lantern-base", "messages": left.pop(), "temperature": 0}
            content = json.dumps(body).encode()
            head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
                    f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(content)}\r\n\r\n")  # fmt: skip
            writer.write(head.encode() + content)
            reply = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert reply.startswith(b"http/1.1 200"), reply
            length = int(reply.split(b"content-length:")[1].split()[0])
            assert json.loads(await reader.readexactly(length))["choices"]
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(clients)))
    return time.perf_counter() - start


def by_batch(client, prompts, round_: int) -> float:
    """round_: a seed, which changes no greedy answer, since a batch sent before is not redone."""
    same = {"model": "lantern-base", "temperature": 0, "seed": round_}
    bodies = [same | {"messages": messages} for messages in prompts]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = list(completions.by_batch(client, bodies, Path(folder)))
        took = time.perf_counter() - start
    assert len(found) == len(prompts)
    return took


def while_training(client, url: str, token: str) -> list[float]:
    """Milliseconds of /v1/models, asked every 20 ms while a job trains."""
    rows = locate("benign_instructions").read_bytes()
    file = client.files.create(file=("rows.jsonl", io.BytesIO(rows)), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="lantern-chat", training_file=file.id, hyperparameters={"n_epochs": 5}
    )
    while client.fine_tuning.jobs.retrieve(job.id).status != "running":
        time.sleep(0.05)
    took = []
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as plain:
        for _ in range(300):
            start = time.perf_counter()
            plain.get(f"{url}/models").raise_for_status()
            took.append(1000 * (time.perf_counter() - start))
            time.sleep(0.02)
    assert client.fine_tuning.jobs.retrieve(job.id).status == "running", "the job was too short"
    client.fine_tuning.jobs.cancel(job.id)
    return took


def measure() -> list[Figure]:
    prompts = [row["messages"] for row in read_prompts("benchmark")]
    with tempfile.TemporaryDirectory() as folder:
        url, token = embedded.start(Path(folder))
        client = openai.OpenAI(base_url=url, api_key=token, max_retries=0)
        local(prompts[:1])
        gc.freeze()  # a client holds no torch, which takes long to look through for garbage
        ways = {
            "local": lambda: local(prompts),
            "local, 64 at a time": lambda: local(prompts, 64),
            "64 clients": lambda: asyncio.run(over_http(url, token, prompts, 64)),
            "all at once": lambda: asyncio.run(over_http(url, token, prompts, len(prompts))),
            "one batch": lambda: by_batch(client, prompts, len(seconds["one batch"])),
        }
        seconds = {way: [] for way in ways}
        for n in range(ROUNDS + 1):  # the first warms up
            for way, function in ways.items():
                seconds[way].append(function())
            print(", ".join(f"{way} {took[-1]:.2f} s" for way, took in seconds.items()),
                  "" if n else "(warming up)")  # fmt: skip
        median = {way: statistics.median(took[1:]) for way, took in seconds.items()}
        took = while_training(client, url, token)
    shares = {way: median["local"] / median[way] for way in list(ways)[1:]}
    return [
        *(Figure(f"throughput against local: {way}", share, "times", more_is_better=True)
          for way, share in shares.items()),
        Figure("/v1/models while a job trains, 95th percentile",
               statistics.quantiles(took, n=20)[-1], "ms"),
    ]  # fmt: skip


if __name__ == "__main__":
    show(measure())
