"""The front door of load tests: every profile is a class here, and `poincon bench load` runs them.

    POINCON_READY_FILE=ready.json locust -f loadtests/locustfile.py --host URL -u 50 --headless -t 1m Day

The file is what `poincon demo --ready-file` writes. Without --headless, locust's page is at port 8089. Each
first use takes a code; the run ends when none are left. What a server takes at most: `poincon bench scans`.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment

from loadtests.load.phone import Phone
from loadtests.load.profiles import (
    Ceiling,
    Checks,
    Day,
    Duplicates,
    Evening,
    Photos,
    SlowClients,
    Storm,
)
from loadtests.load.workshops import READY_VARIABLE, REPORT_VARIABLE, Workshops

__all__ = ("Ceiling", "Checks", "Day", "Duplicates", "Evening", "Photos", "SlowClients", "Storm")


def open_workshops(environment: Environment, **_: Any) -> None:
    Phone.workshops = Workshops(Path(os.environ[READY_VARIABLE]))


def report(environment: Environment, **_: Any) -> None:
    """What the run's table is made of; a wrong answer makes locust's own exit status 1."""
    workshops = Phone.workshops
    if workshops.wrong:
        environment.process_exit_code = 1
    if path := os.environ.get(REPORT_VARIABLE):
        Path(path).write_text(json.dumps(_told(environment, workshops)), encoding="utf-8")


def _told(environment: Environment, workshops: Workshops) -> dict[str, Any]:
    total = environment.stats.total
    return {
        "requests": [
            {
                "name": one.name,
                "count": one.num_requests,
                "failures": one.num_failures,
                "per_second": one.total_rps,
                "p50_ms": one.get_response_time_percentile(0.50),
                "p99_ms": one.get_response_time_percentile(0.99),
            }
            for one in environment.stats.entries.values()
        ],
        "seconds": max((total.last_request_timestamp or 0.0) - total.start_time, 0.001),
        "scans_judged": workshops.scans_judged,
        "codes_gone": workshops.codes_gone,
        "wrong": workshops.wrong,
        "locust_cpu_seconds": time.process_time() - workshops.cpu_at_start,
    }


events.test_start.add_listener(open_workshops)  # type: ignore[no-untyped-call]
events.quitting.add_listener(report)  # type: ignore[no-untyped-call]
