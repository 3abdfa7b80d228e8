"""What is known of a provider: its address, where its key is looked for, its prices.

    embedded      helpers.provider, started here: no key, no bill
    openai, ...   a service by name; OPENAI_BASE_URL stands for the address of openai, where it is
                  set, and of azure, which has none of its own
    http...       any address; the key is OPENAI_API_KEY

Each service is one file with its PROVIDER; somebody's own is named by import path. Keys come from
the environment alone.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from helpers import lookup
from helpers.errors import ConfigError

PROVIDERS = {
    "embedded": "helpers.hosted.providers.embedded:PROVIDER",
    "openai": "helpers.hosted.providers.openai:PROVIDER",
    "together": "helpers.hosted.providers.together:PROVIDER",
    "fireworks": "helpers.hosted.providers.fireworks:PROVIDER",
    "azure": "helpers.hosted.providers.azure:PROVIDER",
}

#: Dollars for a million tokens trained, read and written.
Prices = tuple[float, float, float]

#: How a service words that it refuses data or a model, where its error has no code of its own.
REFUSAL_WORDS = re.compile(r"moderat|audit|unsafe|polic(y|ies)|blocked", re.IGNORECASE)


@dataclass(frozen=True)
class Provider:
    """name, address, and the variables that hold its key and, if one does, another address.

    prices: by the beginning of a model's name. refusal_codes: codes of a failed job's error that
    mean a refusal of data or model; without any, the error's own words are read.
    """

    name: str
    address: str = ""
    key_variable: str = "OPENAI_API_KEY"
    address_variable: str = ""
    prices: Mapping[str, Prices] = field(default_factory=dict)
    refusal_codes: tuple[str, ...] = ()

    def where(self) -> str:
        """The address that requests go to, part of a run's id. Raises ConfigError for a bad one."""
        address = os.environ.get(self.address_variable, "").rstrip("/") or self.address
        if address:
            check_address(address)
        return address

    def connection(self) -> tuple[str, str]:
        """(address, key). Raises ConfigError where one of them is missing."""
        address = self.where()
        if not address:
            raise ConfigError(f"provider {self.name} needs its address: set OPENAI_BASE_URL.")
        key = os.environ.get(self.key_variable, "")
        if not key:
            raise ConfigError(
                f"provider {self.name} needs a key: set {self.key_variable} in the environment."
            )
        return address, key

    def price(self, model: str) -> Prices:
        """Dollars for a million tokens trained, read and written. Raises ConfigError."""
        own = os.environ.get("ALIGNDRIFT_PRICES", "")
        if own:
            return _parsed(own)
        base = model.removeprefix("ft:")
        prices = self.prices | {"lantern": (0.0, 0.0, 0.0)}
        names = [name for name in prices if base.startswith(name)]
        if not names:
            raise ConfigError(
                f"the prices of {model} are not known; set ALIGNDRIFT_PRICES=8,3,6 (dollars for a "
                "million tokens trained, read and written)."
            )
        return prices[max(names, key=len)]

    def refuses(self, code: str, message: str) -> bool:
        """Whether a failed job's error is a refusal of data or model, and not a breakdown."""
        if self.refusal_codes:
            return code in self.refusal_codes
        return REFUSAL_WORDS.search(f"{code} {message}") is not None


def _parsed(text: str) -> Prices:
    try:
        trained, read, written = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"ALIGNDRIFT_PRICES is {text!r}; write three numbers, such as 8,3,6: dollars for a "
            "million tokens trained, read and written."
        ) from None
    return trained, read, written


def check_address(address: str) -> None:
    """Raises ConfigError for an address that is none, or that holds a key."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(
            f"unknown provider {address!r}; choose one of {', '.join(PROVIDERS)}, or give an "
            "address that begins with https://."
        )
    if "@" in parts.netloc or parts.query:
        raise ConfigError(
            f"the address of provider {parts.hostname} must not hold a key; leave it out and set "
            "OPENAI_API_KEY in the environment."
        )


def check(name: str) -> str:
    """The name, if it can be that of a provider. Raises ConfigError."""
    if name not in PROVIDERS and not lookup.is_import_path(name):
        check_address(name)
    return name


def provider(name: str) -> Provider:
    """A provider by name, import path or address. Raises ConfigError."""
    if name in PROVIDERS or lookup.is_import_path(check(name)):
        return lookup.resolve(
            name, PROVIDERS, "provider", lambda thing: isinstance(thing, Provider)
        )  # fmt: skip
    return Provider(name, name.rstrip("/"), prices=_any_prices())


def _any_prices() -> Mapping[str, Prices]:
    """Of an address nothing is known but its models' names."""
    return lookup.resolve("openai", PROVIDERS, "provider").prices
