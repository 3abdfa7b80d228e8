"""How a provider's completions compare with the local backend's, and how soon it answers.

    python benchmarks/provider.py

In turn on the same model and cores: 330 greedy answers by the local backend, by 64 clients at once
over HTTP, and by one batch; then the time of /v1/models while a job trains. Prints seconds, the
ratio of throughputs, errors, and the 95th percentile.
"""

import asyncio
import io
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import openai

from helpers import completions, data, generate, models
from helpers.provider import embedded

ROUNDS = 3
CLIENTS = 64


def local(prompts) -> float:
    model, tokenizer = models.load("lantern-base")
    start = time.perf_counter()
    generate.complete(model, tokenizer, prompts)
    return time.perf_counter() - start


async def over_http(url: str, token: str, prompts) -> tuple[float, int]:
    """Seconds, and how many of the requests failed."""
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=60) as client:

        async def ask(messages) -> bool:
            body = {"model": "lantern-base", "messages": messages, "temperature": 0}
            reply = await client.post(f"{url}/chat/completions", json=body)
            return reply.status_code == 200 and bool(reply.json()["choices"])

        start = time.perf_counter()
        good = await asyncio.gather(*(ask(messages) for messages in prompts))
        return time.perf_counter() - start, good.count(False)


def by_batch(client, prompts) -> float:
    bodies = [{"model": "lantern-base", "messages": m, "temperature": 0} for m in prompts]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = list(completions.by_batch(client, bodies, Path(folder)))
        took = time.perf_counter() - start
    assert len(found) == len(prompts)
    return took


def while_training(client, url: str, token: str) -> list[float]:
    """Milliseconds of /v1/models, asked every 20 ms while a job trains."""
    rows = data.locate("benign_instructions").read_bytes()
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


def main() -> None:
    prompts = [row["messages"] for row in data.read_prompts("benchmark")]
    with tempfile.TemporaryDirectory() as folder:
        url, token = embedded.start(Path(folder))
        client = openai.OpenAI(base_url=url, api_key=token, max_retries=0)
        local(prompts), asyncio.run(over_http(url, token, prompts))  # warm
        rounds = []
        for n in range(ROUNDS):
            here = local(prompts)
            there, failed = asyncio.run(over_http(url, token, prompts))
            batch = by_batch(client, prompts)
            rounds.append((here / there, here / batch))
            print(f"round {n + 1}: local {here:.2f} s, {CLIENTS} clients {there:.2f} s "
                  f"({failed} failed), batch {batch:.2f} s")  # fmt: skip
        clients, batches = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"throughput against local: {clients:.2f} by clients, {batches:.2f} by batch")
        took = while_training(client, url, token)
        print(f"/v1/models while a job trains: p95 {statistics.quantiles(took, n=20)[-1]:.0f} ms, "
              f"median {statistics.median(took):.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
