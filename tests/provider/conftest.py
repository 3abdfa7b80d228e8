"""A client of the embedded provider, and a job that has ended."""

import openai
import pytest
from provider_client import ended, upload


@pytest.fixture(scope="session")
def client(served):
    return openai.OpenAI(base_url=served[0], api_key=served[1], max_retries=0)


@pytest.fixture(scope="session")
def job(client):
    """A finished job on 50 examples for two epochs."""
    made = client.fine_tuning.jobs.create(
        model="lantern-chat", training_file=upload(client, 50), seed=3, suffix="mine",
        metadata={"a": "b"}, method={"type": "supervised", "supervised": {"hyperparameters": {
            "n_epochs": 2, "batch_size": 25, "learning_rate_multiplier": 1.5}}},
    )  # fmt: skip
    return ended(client, made.id)
