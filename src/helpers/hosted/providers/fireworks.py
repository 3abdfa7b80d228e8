"""Fireworks; never tried, for want of a key. Prices: ALIGNDRIFT_PRICES."""

from helpers.hosted.providers.base import Provider

PROVIDER = Provider(
    "fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"
)  # fmt: skip
