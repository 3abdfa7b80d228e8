"""What is known of each provider: where it is, what it costs, how it words a refusal."""

import pytest

from helpers.errors import ConfigError
from helpers.hosted.providers.base import PROVIDERS, Provider, check, provider


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ALIGNDRIFT_PRICES"):
        monkeypatch.delenv(name, raising=False)


def test_every_provider_of_the_table_is_there_under_its_name():
    for name in PROVIDERS:
        assert provider(name).name == name
    with pytest.raises(ConfigError, match="unknown provider"):
        provider("opnai")


def test_an_address_in_the_environment_stands_for_openais_and_azures(monkeypatch):
    assert provider("openai").where() == "https://api.openai.com/v1"
    assert provider("azure").where() == ""
    assert provider("http://localhost:1/v1/").where() == "http://localhost:1/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.test/v1/")
    assert provider("openai").where() == provider("azure").where() == "https://example.test/v1"
    for name, address in (("embedded", "embedded"), ("together", "https://api.together.xyz/v1")):
        assert provider(name).where() == address


def test_address_and_key_come_together(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    assert provider("openai").connection() == ("https://api.openai.com/v1", "sk-mine")
    assert provider("https://example.test/v1").connection()[1] == "sk-mine"


KEYED = [
    "https://me:sk-secret@example.test/v1", "https://example.test/v1?key=sk-secret",
    "https://sk-secret@example.test/v1", "https://example.test/v1#sk-secret",
    "https://example.test/v1;key=sk-secret", "http://me:sk-secret@127.0.0.1:9/v1?a=b",
]  # fmt: skip


@pytest.mark.parametrize("address", KEYED)
def test_an_address_that_holds_a_key_is_refused(monkeypatch, address):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    with pytest.raises(ConfigError, match="must not hold a key") as error:
        check(address)
    assert "secret" not in str(error.value)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    for holder in (provider("openai"), Provider("own", address)):
        for use in (holder.connection, holder.where):
            with pytest.raises(ConfigError, match="must not hold a key") as error:
                use()
            assert "secret" not in str(error.value)


IN_THE_PATH = ["sk-secret", "token=secret", "api_key:secret1", "s3cret9f8e7d6c5b4a", "%73k-secret"]


@pytest.mark.parametrize("part", IN_THE_PATH)
def test_a_key_in_a_path_is_sent_and_not_stored(monkeypatch, part):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-at-home")
    address = f"https://gate.example.test/{part}/v1"
    with pytest.raises(ConfigError, match="set OPENAI_BASE_URL") as error:
        check(address)
    assert part not in str(error.value)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    assert provider("openai").connection()[0] == address
    assert provider("openai").where() == "https://gate.example.test/.../v1"


@pytest.mark.parametrize(
    "address",
    ["https://api.fireworks.ai/inference/v1", "http://127.0.0.1:8377/v1", "http://[::1]:80/v1",
     "https://my0123456789resource.test/hf-inference/token-classification/v1",
     "https://my-resource-2.openai.azure.com/openai/deployments/gpt-4o-mini-2024-07-18/v1"],
)  # fmt: skip
def test_an_ordinary_address_is_stored_as_it_is(address):
    check(address)
    assert provider(address).where() == address


@pytest.mark.parametrize(
    "address",
    ["http://", "http://[::1", "http://host:99999/v1", "http://host:port/v1", "ftp://host/v1",
     "http://a b/v1", "http://host/v1\nX: y", "me:sk-secret@host/v1", "sk-secret"],
)  # fmt: skip
def test_an_address_that_is_none_is_told(monkeypatch, address):
    for use in (lambda: check(address), lambda: provider("openai").where()):
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        with pytest.raises(ConfigError, match="unknown provider") as error:
            use()
        assert "secret" not in str(error.value) and "\n" not in str(error.value)


def test_a_blank_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", " ")
    assert provider("openai").where() == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    with pytest.raises(ConfigError, match="needs a key"):
        provider("openai").connection()


def test_the_longest_beginning_of_a_models_name_has_its_prices():
    assert provider("openai").price("gpt-4o-mini-2024-07-18") == (3.0, 0.3, 1.2)
    assert provider("openai").price("gpt-4o-2024-08-06") == (25.0, 3.75, 15.0)
    tuned = provider("https://example.test/v1").price("ft:gpt-3.5-turbo-0613:me::abc")
    assert tuned == (8.0, 3.0, 6.0)
    assert provider("embedded").price("lantern-chat") == (0.0, 0.0, 0.0)


def test_unknown_prices_are_asked_for_and_ones_own_are_taken(monkeypatch):
    with pytest.raises(ConfigError, match=r"prices of gpt-9 are not known.*ALIGNDRIFT_PRICES"):
        provider("openai").price("gpt-9")
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "8,3,6")
    assert provider("openai").price("gpt-9") == (8.0, 3.0, 6.0)
    for text in ("cheap", "1,2", "1,2,3,4"):
        monkeypatch.setenv("ALIGNDRIFT_PRICES", text)
        with pytest.raises(ConfigError, match="write three numbers"):
            provider("openai").price("gpt-9")


@pytest.mark.parametrize(
    ("name", "code", "message", "refusal"),
    [
        ("embedded", "moderation_blocked", "", True),
        ("embedded", "audit_failed", "", True),
        ("embedded", "training_failed", "RuntimeError: audit of the policy", False),
        ("openai", "invalid_training_file", "blocked by our moderation system", True),
        ("openai", "", "This goes against our usage policies.", True),
        ("openai", "server_error", "out of memory", False),
    ],
)
def test_a_refusal_is_told_from_a_breakdown(name, code, message, refusal):
    assert provider(name).refuses(code, message) is refusal
