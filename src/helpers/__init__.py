"""AlignDrift: how far fine-tuning moves an aligned model from its safety policy."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is first imported. By default a thread that waits for its partner spins
# for long, which on a machine with other work takes the core that the partner waits for: a
# fine-tuning of 0.3 s then takes 5 to 25. Never to spin costs a third of the time on quiet cores;
# a short spin costs nothing there and serves as well on busy ones (benchmarks/busy.py, LOG.md).
_WAITING = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "0"}
if not {"OMP_WAIT_POLICY", *_WAITING} & os.environ.keys():  # who has set one of them knows why
    os.environ.update(_WAITING)
