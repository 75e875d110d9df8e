"""Lighthouse's marks for the médiateur's page of a running instance. Needs npm; nothing of it is kept here.

    npm install --prefix /tmp/lighthouse lighthouse
    python -m loadtests.page_lighthouse /tmp/lighthouse http://127.0.0.1:8080/ --token DEVICE_TOKEN

A quiet machine matters: its load is counted as the page's.
"""

import argparse
import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from validator.badge import COOKIE

SECONDS_MAX: Final = 180
CHROMIUM_FLAGS: Final = "--headless --no-sandbox --disable-gpu --disable-background-networking"
TIMES: Final = (
    "first-contentful-paint",
    "largest-contentful-paint",
    "speed-index",
    "total-blocking-time",
    "interactive",
    "total-byte-weight",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("installed", type=Path, help="the folder that npm installed Lighthouse to")
    parser.add_argument("url")
    parser.add_argument("--token", help="of a device; without it the page says how to enrol")
    arguments = parser.parse_args()
    report = measured(arguments.installed, arguments.url, token=arguments.token)
    for name, category in report["categories"].items():
        print(f"{round(category['score'] * 100):4} {name}")
    for name in TIMES:
        print(f"     {name}: {report['audits'][name]['displayValue']}")


def measured(installed: Path, url: str, *, token: str | None) -> dict[str, Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium is not None, "no Chromium to measure with"
    with TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        command = ["node", str(installed / "node_modules/lighthouse/cli/index.js"), url, "--quiet"]
        command += ["--output=json", f"--output-path={target}", f"--chrome-flags={CHROMIUM_FLAGS}"]
        if token is not None:
            command.append(f"--extra-headers={json.dumps({'Cookie': f'{COOKIE}={token}'})}")
        subprocess.run(command, check=True, timeout=SECONDS_MAX, env=os.environ | {"CHROME_PATH": chromium})  # noqa: S603
        report: dict[str, Any] = json.loads(target.read_bytes())
        return report


if __name__ == "__main__":
    main()
