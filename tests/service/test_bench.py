"""`poincon bench` runs to its end on servers of its own, verifies what it measured, and prints the table."""

import json
import subprocess
import sys

import pytest

from loadtests.bench_client import ClientError, split_answer
from loadtests.bench_measured import Measured
from loadtests.bench_ratios import LABEL_OF, ratios_of

RATIO_KEYS = {
    "single_vs_floor",
    "single_vs_bare",
    "batch_vs_ed25519",
    "commit_vs_insert",
    "duplicates_vs_first",
    "guard_first_use_ratio",
    "guard_duplicate_ratio",
    "cpu_per_scan_two_vs_one",
    "rows10m_vs_empty",
    "pdf_cpu_s_5000",
    "p99_over_p50",
    "wal_bytes_per_scan",
    "table_bytes_per_scan",
    "valkey_bytes_per_pass",
}


def test_a_short_run_prints_every_subject_and_ratio_and_ends_with_a_clean_audit(tmp_path):
    figures = tmp_path / "results" / "bench.json"
    command = [sys.executable, "-m", "command.main", "bench", "scans", "--seconds", "0.1", "--rounds", "1"]
    run = subprocess.run(
        [*command, "--connections", "4", "--rows", "1000", "--printed-passes", "10", "--json", str(figures)],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )

    assert run.returncode == 0, run.stderr
    for label in LABEL_OF.values():
        assert label in run.stdout
    assert "audit clean" in run.stdout
    results = json.loads(figures.read_text())
    assert set(results) >= RATIO_KEYS
    assert set(results["subjects"]) == set(LABEL_OF)
    assert all(value > 0 for name, value in results.items() if name in RATIO_KEYS)


def test_ratios_compare_neighbours_round_by_round():
    quiet, disturbed = Measured(100, 1.0, [0.01]), Measured(50, 1.0, [0.02])
    rounds = {name: [quiet, disturbed] for name in LABEL_OF}
    rounds["floor"] = [Measured(200, 1.0), Measured(100, 1.0)]
    assert ratios_of(rounds)["single_vs_floor"] == pytest.approx(0.5)


def test_an_answer_is_taken_only_when_all_of_it_is_there():
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for end in range(len(answer)):
        assert split_answer(bytearray(answer[:end])) is None
    assert split_answer(bytearray(answer)) == (200, b"{}")


def test_an_answer_without_a_length_is_an_error():
    with pytest.raises(ClientError, match="with a length"):
        split_answer(bytearray(b"HTTP/1.1 200 OK\r\n\r\n{}"))
