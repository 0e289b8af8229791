"""A clock that stands still until a test moves it."""

__all__ = ["Clock"]


class Clock:
    """In the place of `time.perf_counter`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        """So much time passes."""
        self.now += seconds
