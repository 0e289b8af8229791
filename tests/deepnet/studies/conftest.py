"""Studies on one thread, which makes their numbers the same on every number of cores."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """While the tests of a module run."""
    import torch  # where it is missing, nothing here is collected

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
