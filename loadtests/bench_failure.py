"""Why a benchmark ends without figures."""


class BenchFailed(Exception):
    """The text says what went wrong: a server that did not start, a wrong answer, an audit that disagrees."""
