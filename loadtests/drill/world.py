"""What kind of stack a drill runs on: which parts are there to be broken. Starts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from loadtests.drill.abilities import Ability, missing


@dataclass(frozen=True)
class World:
    """Each part as the machine has it: `offered` takes away what it lacks."""

    has_small_disk: bool = False  # PostgreSQL on a tmpfs that can be filled
    has_false_clocks: bool = False  # validators under faketime
    has_standby: bool = False  # a synchronous one
    has_cluster: bool = False  # of Valkey

    def offered(self) -> "World":
        lacking = missing()
        return replace(
            self,
            has_small_disk=self.has_small_disk and Ability.SMALL_DISK not in lacking,
            has_false_clocks=self.has_false_clocks and Ability.FAKETIME not in lacking,
        )


WORLDS: Mapping[str, World] = {
    "plain": World(),
    "clocks": World(has_small_disk=True, has_false_clocks=True),
    "standby": World(has_standby=True),
    "cluster": World(has_small_disk=True, has_cluster=True),
    "everything": World(True, True, True, True),
}
