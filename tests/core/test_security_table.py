"""docs/security.md holds what it names: every requirement of levels 1 and 2 once, every test by its name."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENT: Final = (ROOT / "docs/security.md").read_text(encoding="utf-8")

# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has: they are numbered from 1 without
# a gap, and those of level 3 follow.
LEVELS_1_AND_2: Final = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4
5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3
11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5
14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2
"""
TEST_NAME: Final = re.compile(r"`(test_\w+)`")


def required() -> set[str]:
    counts = (pair.split(":") for pair in LEVELS_1_AND_2.split())
    return {f"{section}.{number}" for section, count in counts for number in range(1, int(count) + 1)}


def rows() -> list[tuple[list[str], str, str]]:
    """Requirements, what is held, by what."""
    found = re.findall(r"^\| ((?:\d+\.\d+\.\d+ ?)+)\| (.*?)\| (.+) \|$", DOCUMENT, re.M)
    return [(numbers.split(), held.strip(), by) for numbers, held, by in found]


def names_of_tests() -> set[str]:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"def (test_\w+)", source)}


def test_every_requirement_of_levels_1_and_2_has_its_row_and_only_one() -> None:
    told = Counter(number for numbers, _, _ in rows() for number in numbers)
    assert set(told) == required()
    assert not [number for number, count in told.items() if count > 1]


def test_every_row_names_a_test_a_reason_or_a_gap() -> None:
    for numbers, held, by in rows():
        assert TEST_NAME.search(by) or by.startswith(("reason: ", "**gap**")), numbers
        assert held or by.startswith("reason: "), numbers


def test_every_test_that_is_named_exists() -> None:
    assert set(TEST_NAME.findall(DOCUMENT)) <= names_of_tests()


def test_every_attacker_has_a_maximum_somebody_who_notices_and_a_test() -> None:
    attackers = DOCUMENT.partition("## Who may take what")[2].partition("\n## ")[0]
    told = [row for row in attackers.splitlines() if row.startswith("| ") and "---" not in row][1:]
    assert len(told) >= 6
    for row in told:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4, row
        assert all(cells), row
        assert TEST_NAME.search(cells[3]), row


def test_every_alert_that_is_named_exists() -> None:
    alerts = (ROOT / "deploy/alerts.yml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\bPoincon[A-Z]\w+", DOCUMENT)):
        assert f"alert: {name}\n" in alerts, name
