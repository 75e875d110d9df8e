"""The OpenAPI document against the service that it describes: schemathesis makes requests that keep it and
break it, alone and in sequence, and looks at every answer. In a process of its own, bounded in time."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES_MAX = 1_000_000  # its time is what ends it
SECONDS_OVER = 120  # what it began it ends, and tells
CODES_MAX = 500
PHASES = ("coverage", "fuzzing", "stateful")
# A device that fuzzes its own end would be told 401 from then on.
NOT_CALLED = ("delete_device",)
# What keeps the document may still be refused by the record (a used attempt id, a link that never was), and
# fields that we do not know are left unread.
NOT_CHECKED = ("positive_data_acceptance", "negative_data_rejection")


@dataclass(frozen=True)
class ContractReport:
    """What it tried, and what did not hold: every failure with the request that shows it."""

    cases: int
    operations: int
    failures: list[Any]
    phases: dict[str, str]
    output: str

    @property
    def holds(self) -> bool:
        return not self.failures and self.cases > 0


def fuzz_contract(
    url: str,
    token: str,
    codes: Sequence[str],
    *,
    seconds: int,
    seed: int,
    examples: int = EXAMPLES_MAX,
    phases: Sequence[str] = PHASES,
) -> ContractReport:
    """codes: real ones, so that some requests get as far as the record."""
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        report = Path(folder) / "report.json"
        config = Path(folder) / "schemathesis.toml"
        config.write_text(_config(token, codes[:CODES_MAX], seconds=seconds, seed=seed, examples=examples))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
        command += ["--report-json-path", str(report), "--no-color", "--phases", ",".join(phases)]
        output = _run([*command, f"{url}/openapi.json"], folder, seconds=seconds + SECONDS_OVER)
        if not report.exists():
            raise RuntimeError(f"schemathesis told nothing: {output[-4_000:]}")
        told = json.loads(report.read_text())
    return ContractReport(
        cases=told["test_cases"]["generated"],
        operations=told["operations"]["tested"],
        failures=[*told["failures"], *told["errors"]],
        phases={name: phase["status"] for name, phase in told["phases"].items()},
        output=output,
    )


def _run(command: Sequence[str], folder: str, *, seconds: int) -> str:
    """What it printed. One that does not end in time is interrupted, and tells what it found until then."""
    with subprocess.Popen(  # noqa: S603 - our own arguments
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        try:
            return running.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
            return running.communicate(timeout=SECONDS_OVER)[0]
        finally:
            running.kill()


def _config(token: str, codes: Sequence[str], *, seconds: int, seed: int, examples: int) -> str:
    """In a file, so that no list of processes shows the token. JSON's texts are TOML's too."""
    lines = [
        f"seed = {seed}",
        f"max-time = {seconds}",
        "continue-on-failure = true",
        f"generation = {{ max-examples = {examples} }}",
        "[auth.openapi.device]",
        f"bearer = {json.dumps(token)}",
        "[dictionaries.codes]",
        f"values = {json.dumps(list(codes))}",
        "[parameters]",
        '"body.code" = { dictionary = "codes", probability = 0.5 }',
        "[checks]",
        *(f"{name}.enabled = false" for name in NOT_CHECKED),
    ]
    for name in NOT_CALLED:
        lines += ["[[operations]]", f'include-operation-id = "{name}"', "enabled = false"]
    return "\n".join(lines) + "\n"
