"""The world failed, or asks too much: raised anywhere, answered once by the middleware (problems.py)."""


class CannotDecide(Exception):
    """A part that must answer does not: 503, try again with the same attempt id."""

    retry_after_seconds = 1


class Overloaded(CannotDecide):
    """More is waiting than this process takes: 503, early."""


class TooManyAttempts(Exception):
    """A limit was reached: 429."""

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
