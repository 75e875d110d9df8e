"""The planted faults by name: where each goes, the load that surely shows it, what it is caught as."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from loadtests.drill.checker import Kind
from loadtests.drill.plan import UNDO_SHARE


class Place(Enum):
    VALIDATOR = "validator"  # planted.py
    DATABASE = "database"  # tampering.py


@dataclass(frozen=True)
class Plant:
    place: Place
    caught_as: Kind
    faults: tuple[str, ...] = ()
    undo_share: float = UNDO_SHARE


PLANTS: Mapping[str, Plant] = {
    # The last round begins with an empty guard, which then accepts every pass a second time.
    "guard_that_accepts": Plant(Place.VALIDATOR, Kind.ACCEPTED_LOST),
    # Whenever PostgreSQL is killed, a commit is still to come nearly always, at two validators.
    "early_acknowledgement": Plant(
        Place.VALIDATOR, Kind.ACCEPTED_LOST, faults=("kill_postgres", "kill_postgres")
    ),
    # Passes that nobody took again after their undo are refused in the first of the last rounds.
    "undo_leaves_its_mark": Plant(Place.VALIDATOR, Kind.REFUSED_WITHOUT_OWNER, undo_share=0.5),
    # Without the guard's help, every new attempt of the last round takes its pass again.
    "missing_unique_key": Plant(Place.DATABASE, Kind.TAKEN_TWICE),
}
