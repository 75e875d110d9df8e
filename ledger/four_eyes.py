"""Four eyes: what one person prepared, another decides. Persons are compared, never logins; no I/O."""

from collections.abc import Collection


def is_another_person(decider: int, *, prepared_by: Collection[int | None]) -> bool:
    """decider, prepared_by: persons. One that the record does not name may be anybody, the decider too."""
    return bool(prepared_by) and None not in prepared_by and decider not in prepared_by
