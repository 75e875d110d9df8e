"""Dashboard and alert rules name metrics that exist, and no metric is watched by nobody."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import REGISTRY

from validator import metrics
from validator.verdict import Refusal

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = re.compile(r"\bpoincon_\w+")
SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OUTSIDE: Final = {"up"}  # what Prometheus itself says of whom it scrapes


def series() -> dict[str, set[str]]:
    """By name of a series, its labels (but `le`)."""
    assert metrics.VERDICTS
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        if (name := getattr(collector, "_name", "")).startswith("poincon_"):
            for suffix in SUFFIXES[collector._type]:
                found[name + suffix] = set(collector._labelnames)
    return found


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    loaded = json.loads((ROOT / "deploy/grafana/poincon.json").read_text(encoding="utf-8"))
    return [panel for panel in loaded["panels"] if panel["type"] != "row"]


def shown() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + shown()


def test_every_series_that_rules_and_dashboard_name_exists() -> None:
    named = {name for expression in expressions() for name in OURS.findall(expression)}
    assert named
    assert named <= set(series())


def test_every_metric_is_on_the_dashboard() -> None:
    named = {name for expression in shown() for name in OURS.findall(expression)}
    unseen = [
        collector._name
        for collector in list(REGISTRY._collector_to_names)
        if getattr(collector, "_name", "").startswith("poincon_")
        and not {collector._name + suffix for suffix in SUFFIXES[collector._type]} & named
    ]
    assert not unseen


def test_a_series_is_chosen_by_labels_that_it_has() -> None:
    labels_of = series()
    for expression in expressions():
        for name, chosen in re.findall(r"\b(poincon_\w+)\{([^}]*)\}", expression):
            for label in re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", chosen):
                assert label in labels_of[name], (expression, label)


def test_a_verdict_that_a_rule_names_is_one_that_is_counted() -> None:
    counted = {refusal.value for refusal in Refusal} | {"accepted", "attempt_reused", "not_judged"}
    for expression in expressions():
        for chosen in re.findall(r'verdict(?:=~|=)"([^"]+)"', expression):
            assert set(chosen.split("|")) <= counted, chosen


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_whom_it_wakes_what_it_costs_and_where_to_look(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert len(rule["annotations"]["summary"]) > 15
    assert len(rule["annotations"]["description"]) > 30
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", str(rule["annotations"]))) <= {
        "instance",
        *(label for labels in series().values() for label in labels),
    }


def test_no_two_rules_and_no_two_panels_have_one_name() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)


def test_what_is_not_ours_in_a_rule_is_known_to_prometheus() -> None:
    for rule in rules():
        if not OURS.search(rule["expr"]):
            assert set(re.findall(r"^\w+", rule["expr"])) <= OUTSIDE
