"""Numbers in the path of an address: bounded before they reach the record."""

from console.refusal import PageRefused, Refusal
from console.visit import Visit

NUMBER_MAX = 2**31 - 1  # of the record's `integer` keys


def number_in(visit: Visit, name: str, unknown: Refusal) -> int:
    """unknown: the answer to what no row can be called. The route lets digits through only."""
    digits = visit.request.match_info[name]
    if len(digits) > len(str(NUMBER_MAX)) or not digits.isascii() or int(digits) > NUMBER_MAX:
        raise PageRefused(unknown)
    return int(digits)
