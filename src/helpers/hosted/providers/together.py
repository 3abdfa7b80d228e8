"""Together; never tried, for want of a key. Prices: ALIGNDRIFT_PRICES."""

from helpers.hosted.providers.base import Provider

PROVIDER = Provider("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY")
