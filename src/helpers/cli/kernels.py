"""The kernel of the Python that runs the command, which is the one that finds the package.

A kernel of the same name that another Python has put into the home folder would come first.
"""

from jupyter_client.kernelspec import KernelSpecManager


class OwnKernel(KernelSpecManager):
    """Offers this Python's kernel alone."""

    def _kernel_dirs_default(self) -> list[str]:
        return []
