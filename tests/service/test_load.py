"""`poincon bench load`: locust's phones on servers of its own, every answer verified, an audit at the end."""

import json
import subprocess
import sys

import pytest

PROFILES = ["evening", "storm"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    figures = tmp_path_factory.mktemp("load") / "load.json"
    profiles = [part for profile in PROFILES for part in ("--profile", profile)]
    command = [sys.executable, "-m", "command.main", "bench", "load", *profiles, "--users", "3"]
    run = subprocess.run(
        [*command, "--seconds", "3", "--json", str(figures)],
        check=False,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run, json.loads(figures.read_text())


def test_a_run_judges_scans_and_finds_nothing_wrong(finished):
    run, figures = finished
    assert [one["profile"] for one in figures] == PROFILES
    assert all(one["wrong"] == [] for one in figures)
    assert sum(one["scans_judged"] for one in figures) > 0  # a busy machine may leave one of them no time
    assert "audit" in run.stderr


def test_the_table_says_what_locust_itself_costs(finished):
    run, _ = finished
    assert run.stdout.count("of CPU per request") == len(PROFILES)


def test_a_server_without_its_codes_is_asked_for_them():
    command = [sys.executable, "-m", "command.main", "bench", "load", "--url", "http://127.0.0.1:1"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "--ready-file" in run.stderr
