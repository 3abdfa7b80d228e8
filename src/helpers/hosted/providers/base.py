"""What is known of a provider: its address, where its key is looked for, its prices.

    embedded      helpers.provider, started here: no key, no bill
    openai, ...   a service by name; OPENAI_BASE_URL stands for the address of openai, where it is
                  set, and of azure, which has none of its own
    http...       any address; the key is OPENAI_API_KEY

Each service is one file with its PROVIDER; somebody's own is named by import path. Keys come from
the environment alone: an address that is typed must hold none, and of one that the environment
holds, a key in its path is not told to anybody but the provider.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from helpers import lookup
from helpers.errors import ConfigError
from helpers.hosted.variables import is_amount, numbers

PROVIDERS = {
    "embedded": "helpers.hosted.providers.embedded:PROVIDER",
    "openai": "helpers.hosted.providers.openai:PROVIDER",
    "together": "helpers.hosted.providers.together:PROVIDER",
    "fireworks": "helpers.hosted.providers.fireworks:PROVIDER",
    "azure": "helpers.hosted.providers.azure:PROVIDER",
}

#: Dollars for a million tokens trained, read and written.
Prices = tuple[float, float, float]

#: Holds the prices of a model that the kit does not know.
PRICES = "ALIGNDRIFT_PRICES"

_THREE = "three numbers, such as 8,3,6: dollars for a million tokens trained, read and written"

SHORTEST_KEY = 8  # characters; what is shorter stands in ordinary words

#: How a service words that it refuses data or a model, where its error has no code of its own.
REFUSAL_WORDS = re.compile(r"moderat|audit|unsafe|polic(y|ies)|blocked", re.IGNORECASE)


#: What in an address's path looks like a key: by its beginning, or of letters and digits at length.
_KEY = re.compile(
    r"^(sk|pk|rk|xai|secret|password)[-_=:]|^(gsk|hf)_|(key|token)[=:]"
    r"|(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{12,}",
    re.IGNORECASE,
)

#: What a key is made of, as a header takes it.
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Provider:
    """name, address, and the variables that hold its key and, if one does, another address.

    prices: by the beginning of a model's name. refusal_codes: codes of a failed job's error that
    mean a refusal of data or model; without any, the error's own words are read. continues: whether
    a last message of the assistant's is gone on with, as where answers can be begun for a model.
    """

    name: str
    address: str = ""
    key_variable: str = "OPENAI_API_KEY"
    address_variable: str = ""
    prices: Mapping[str, Prices] = field(default_factory=dict)
    refusal_codes: tuple[str, ...] = ()
    continues: bool = False

    def where(self) -> str:
        """The address as it may be stored, part of a run's id. Raises ConfigError for a bad one."""
        parts = urlsplit(self._address())
        return parts._replace(path=_without_keys(parts.path)).geturl()

    def _address(self) -> str:
        address = os.environ.get(self.address_variable, "").strip() or self.address
        if address:
            _check(address)
        return address.rstrip("/")

    def connection(self) -> tuple[str, str]:
        """(address, key). Raises ConfigError where one of them is missing."""
        address = self._address()
        if not address:
            raise ConfigError(f"provider {self.name} needs its address: set OPENAI_BASE_URL.")
        key = os.environ.get(self.key_variable, "").strip()
        if not key:
            raise ConfigError(
                f"provider {self.name} needs a key: set {self.key_variable} in the environment."
            )
        if not _PRINTABLE.fullmatch(key):
            raise ConfigError(f"{self.key_variable} holds what no key holds; copy the key anew.")
        return address, key

    def price(self, model: str) -> Prices:
        """Dollars for a million tokens trained, read and written. Raises ConfigError."""
        own = os.environ.get(PRICES, "").strip()
        if own:
            return _of_three(numbers(PRICES, own, 3, _THREE))
        base = model.removeprefix("ft:")
        prices = self.prices | {"lantern": (0.0, 0.0, 0.0)}
        names = [name for name in prices if base.startswith(name)]
        if not names:
            raise ConfigError(
                f"the prices of {model} are not known; set {PRICES}=8,3,6 (dollars for a "
                "million tokens trained, read and written)."
            )
        price = prices[max(names, key=len)]
        if not isinstance(price, tuple | list) or len(price) != 3 or not all(map(is_amount, price)):
            raise ConfigError(
                f"provider {self.name} has {price!r} as the prices of {model}; they must be three "
                "numbers, finite and not negative."
            )
        return _of_three(price)

    def refuses(self, code: str, message: str) -> bool:
        """Whether a failed job's error is a refusal of data or model, and not a breakdown."""
        if self.refusal_codes:
            return code in self.refusal_codes
        return REFUSAL_WORDS.search(f"{code} {message}") is not None


def _of_three(price: Sequence[float]) -> Prices:
    trained, read, written = map(float, price)
    return trained, read, written


def keys() -> list[str]:
    """The keys that the environment holds for any of the table's providers."""
    named = [lookup.resolve(name, PROVIDERS, "provider") for name in PROVIDERS]
    values = {os.environ.get(one.key_variable, "").strip() for one in named}
    return [value for value in values if len(value) >= SHORTEST_KEY]


def check_address(address: str) -> None:
    """Raises ConfigError for an address that is none, or that holds a key: it will be stored."""
    parts = _check(address)
    if _without_keys(parts.path) != parts.path:
        raise ConfigError(
            f"the address of provider {parts.hostname} seems to hold a key in its path; set "
            "OPENAI_BASE_URL to it instead and choose provider openai: it is not stored then."
        )


def _without_keys(path: str) -> str:
    parts = path.split("/")
    return "/".join("..." if _KEY.search(unquote(part)) else part for part in parts)


def _check(address: str) -> SplitResult:
    """The parts of an address without a key where none is ever needed. Raises ConfigError."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # raises ValueError for a port that is none
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError
        if not _PRINTABLE.fullmatch(address) or not re.fullmatch(r"[\w.:%-]+", host):
            raise ValueError
    except ValueError:
        shown = _without_keys(re.split("[?#;]", address.split("@")[-1])[0])
        raise ConfigError(
            f"unknown provider {shown[:60]!r}; choose one of {', '.join(PROVIDERS)}, or give an "
            "address that begins with https://."
        ) from None
    if "@" in parts.netloc or parts.query or parts.fragment or ";" in parts.path:
        raise ConfigError(
            f"the address of provider {host} must not hold a key; leave it out and set "
            "OPENAI_API_KEY in the environment."
        )
    return parts


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
