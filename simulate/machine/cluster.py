"""Clusters that somebody else started."""

from __future__ import annotations

import asyncio
from typing import Any

from simulate.house.extras import installed_by

__all__ = ["connected"]

_PATIENCE = 10
"""Seconds within which a scheduler has to answer."""


def connected(scheduler: str) -> Any:
    """A client of a Dask scheduler that answers; a client that never met one would linger and may block for good.

    Args:
        scheduler: Its address.

    Returns:
        A `distributed.Client`, to be closed.

    Raises:
        ValueError: if dask is missing, or nobody answers there.
    """
    try:
        from distributed import Client, Security  # dask, only when there is a cluster
        from distributed.comm.core import connect
    except ImportError as error:
        raise ValueError(
            f"Argument `scheduler` must not be given without dask, but is {scheduler!r}: "
            f"{installed_by('cluster')} ({error})."
        ) from None

    async def knock() -> None:
        comm = await connect(scheduler, timeout=_PATIENCE, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(knock())
        return Client(scheduler)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Argument `scheduler` must be the address of a Dask scheduler that answers, but is {scheduler!r}: {error}."
        ) from None
