"""Numbers in the environment: those that are none, endless or negative are told."""

import pytest

from helpers.errors import ConfigError
from helpers.hosted import spending
from helpers.hosted.providers.base import Provider, provider
from helpers.hosted.variables import number

BAD = ["nan", "-1", "inf", "-inf", "1e999", "much", "5,0", "None", "0x10", "5 dollars", "-0.01"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_amount_is_told(monkeypatch, text):
    monkeypatch.setenv("SOME_AMOUNT", text)
    with pytest.raises(ConfigError, match=r"SOME_AMOUNT is '.*'; write some, such as 5, finite"):
        number("SOME_AMOUNT", 5.0, "some, such as 5")
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", text)
    with pytest.raises(ConfigError, match="write a number of dollars"):
        spending.limit()
    for prices in (f"{text},3,6", f"8,3,{text}", text):
        monkeypatch.setenv("ALIGNDRIFT_PRICES", prices)
        with pytest.raises(ConfigError, match="write three numbers"):
            provider("openai").price("gpt-4o")


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_what_is_blank_is_not_set(monkeypatch, text):
    for name in ("SOME_AMOUNT", "ALIGNDRIFT_MAX_COST", "ALIGNDRIFT_PRICES"):
        monkeypatch.setenv(name, text)
    assert number("SOME_AMOUNT", 7.0, "some") == 7.0
    assert spending.limit() == spending.MAX_COST
    assert provider("openai").price("gpt-4o") == (25.0, 3.75, 15.0)


def test_amounts_are_read(monkeypatch):
    for text, amount in (("0", 0.0), (" 2.5 ", 2.5), ("1e3", 1000.0)):
        monkeypatch.setenv("SOME_AMOUNT", text)
        assert number("SOME_AMOUNT", 7.0, "some") == amount
    monkeypatch.setenv("ALIGNDRIFT_PRICES", " 8, 3 ,6 ")
    assert provider("openai").price("gpt-9") == (8.0, 3.0, 6.0)


@pytest.mark.parametrize(
    "price", [None, (1, 2), (1, 2, None), (1, 2, "3"), (1, 2, -3), (1, 2, float("nan")),
              (True, 2, 3), 5, "123"],
)  # fmt: skip
def test_prices_of_ones_own_provider_are_amounts(monkeypatch, price):
    monkeypatch.delenv("ALIGNDRIFT_PRICES", raising=False)
    with pytest.raises(ConfigError, match="must be three numbers"):
        Provider("toy", prices={"m": price}).price("m-1")
