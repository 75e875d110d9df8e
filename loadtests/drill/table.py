"""A series of drills as a table for people, the same in a terminal and in docs/drills.md."""

from typing import Any

HEAD = """| fault | count | answers during | recovery, median s | recovery, max s |
| --- | ---: | ---: | ---: | ---: |"""


def as_table(told: dict[str, Any]) -> str:
    rows = [
        f"| {kind} | {one['count']} | {one['answers_during']:,} |"
        f" {_seconds(one['recovery_s_median'])} | {_seconds(one['recovery_s_max'])} |"
        for kind, one in told["by_fault"].items()
    ]
    missing = [f"Not drilled here: {kind} ({why})." for kind, why in told["skipped"].items()]
    return "\n".join([_sentence(told), "", HEAD, *rows, *missing])


def _sentence(told: dict[str, Any]) -> str:
    return (
        f"Seed {told['seed']}: {told['answers']:,} answers over {told['faults']} faults,"
        f" {told['accepted']:,} acceptances, {told['remittances']:,} remittances closed,"
        f" {told['violations']} violations, {told['gave_up']} phones gave up,"
        f" slowest recovery {told['recovery_s_max']:.2f} s, {told['seconds'] / 60:.0f} minutes."
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
