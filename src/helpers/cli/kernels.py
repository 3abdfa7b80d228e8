"""The kernel of the Python that runs the command, which is the one that finds the package.

A kernel of the same name that another Python has put into the home folder would come first.
"""

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager


class OwnKernel(KernelSpecManager):
    """Offers this Python's kernel alone, which does not warn of what is always so."""

    def _kernel_dirs_default(self) -> list[str]:
        return []

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = super().get_kernel_spec(kernel_name)
        spec.argv = [*spec.argv, "--IPKernelApp.log_level=50"]
        return spec
