"""What can be said of the image and the stack without an engine. Nothing is built, pulled or started."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).resolve().parents[2]
SERVICES: Final = {"database", "guard", "migrate", "validator-1", "validator-2", "balancer", "tools"}
ONE_SHOT: Final = {"migrate", "tools"}
# A release line at least: an image without a tag, or called latest, is another one every week.
PINNED_TAG: Final = re.compile(r":\d+\.\d+[\w.-]*$")
SECRET_WORDS: Final = re.compile(r"password|passphrase|secret|token|(database|valkey)_url", re.IGNORECASE)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (instruction, arguments), comments gone and continued lines joined."""
    lines = [line for line in read("Dockerfile").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word]


def final_stage() -> list[tuple[str, str]]:
    stages = [number for number, (word, _) in enumerate(instructions()) if word == "FROM"]
    assert len(stages) == 2
    return instructions()[stages[-1] :]


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def stack() -> dict[str, Any]:
    loaded = yaml.safe_load(read("compose.yaml"))
    assert isinstance(loaded, dict)
    return loaded


def services() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from stack()["services"].items()


def context() -> list[str]:
    """What .dockerignore lets in; everything else stays out."""
    lines = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def test_the_image_is_given_every_package_and_no_more_than_it_needs() -> None:
    packages = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files = {"requirements/run.txt", "pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY.md"}
    assert set(context()) == {*packages, *files}


def test_everything_copied_exists() -> None:
    for word, arguments in instructions():
        if word in {"COPY", "ADD"} and "--from=" not in arguments:
            *copied, _ = [part for part in arguments.split() if not part.startswith("--")]
            for path in copied:
                assert (ROOT / path).exists(), path
                assert path == "." or path in context(), f"{path} is kept out by .dockerignore"


def test_dependencies_are_installed_by_their_hashes_and_then_from_them_alone() -> None:
    installs = [
        part
        for word, arguments in instructions()
        if word == "RUN"
        for part in arguments.split("&&")
        if re.search(r"\bpip\b.*\b(install|wheel|download)\b", part)
    ]
    assert len(installs) == 4
    first, *others = installs
    assert "--require-hashes --requirement requirements/run.txt" in first
    assert all("--no-index" in install for install in others)


def test_the_image_runs_as_a_fixed_plain_user() -> None:
    users = [arguments for word, arguments in final_stage() if word == "USER"]
    assert users == ["10001:10001"]
    made = " ".join(arguments for word, arguments in final_stage() if word == "RUN")
    assert "useradd --uid 10001 --gid 10001" in made


def test_the_image_has_no_build_tools_and_has_libzbar() -> None:
    made = " ".join(arguments for word, arguments in final_stage() if word == "RUN")
    assert "libzbar0" in made
    assert not re.search(r"\b(gcc|g\+\+|make|build-essential|\S+-dev|pip)\b", made)


def test_the_image_says_whether_it_is_alive() -> None:
    checks = [arguments for word, arguments in final_stage() if word == "HEALTHCHECK"]
    assert len(checks) == 1
    assert "/healthz" in checks[0]


def test_the_image_serves_unless_told_otherwise() -> None:
    told = dict(final_stage())
    assert told["EXPOSE"] == "8080"
    assert told["ENTRYPOINT"] == '["poincon"]'
    assert told["CMD"] == '["serve"]'
    assert "POINCON_HOST=0.0.0.0" in told["ENV"]
    assert not re.search(r"(?i)passw|secret|token", told["ENV"])


def test_every_image_is_pinned() -> None:
    bases = [arguments.split()[0] for word, arguments in instructions() if word == "FROM"]
    images = [service["image"] for _, service in services()]
    for image in bases + images:
        assert PINNED_TAG.search(image), image


def test_the_stack_has_its_services_each_hardened() -> None:
    assert {name for name, _ in services()} == SERVICES
    for name, service in services():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert service.get("user") != "root", name
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name


def test_every_lasting_service_tells_its_health() -> None:
    for name, service in services():
        if name in ONE_SHOT:
            assert service["healthcheck"] == {"disable": True}
        elif service["image"].startswith("poincon:"):
            assert "healthcheck" not in service, "the image's own"
        else:
            assert service["healthcheck"]["test"], name


def test_validators_wait_for_the_migration_and_not_for_the_guard() -> None:
    for name in ("validator-1", "validator-2"):
        waits = stack()["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["guard"] == {"condition": "service_started"}
    assert stack()["services"]["migrate"]["depends_on"]["database"] == {"condition": "service_healthy"}


def test_only_the_balancer_can_be_reached_from_outside() -> None:
    assert [name for name, service in services() if "ports" in service] == ["balancer"]
    assert [name for name, service in services() if "outside" in service["networks"]] == ["balancer"]
    assert stack()["networks"]["inside"] == {"internal": True}


def test_secrets_come_from_files_only() -> None:
    for name, service in services():
        for setting, value in service.get("environment", {}).items():
            if SECRET_WORDS.search(setting.removesuffix("_FILE")):
                assert setting.endswith("_FILE"), f"{name}: {setting}"
                assert value.removeprefix("/run/secrets/") in service["secrets"], (
                    f"{name}: {value} is not mounted"
                )
    assert not re.search(r"://[^\s/]*:[^\s/]*@", read("compose.yaml"))


def test_the_owner_of_the_tables_is_not_given_to_the_validators() -> None:
    for name in ("validator-1", "validator-2"):
        assert not [secret for secret in stack()["services"][name]["secrets"] if "migration" in secret]


def test_every_mounted_file_and_volume_is_declared() -> None:
    declared = stack()
    for name, service in services():
        assert set(service.get("secrets", [])) <= set(declared["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in declared["volumes"] or (ROOT / source).exists(), f"{name}: {source}"


def test_the_balancer_knows_both_validators_and_repeats_only_what_reads() -> None:
    balancer = read("deploy/balancer/Caddyfile")
    assert balancer.count("reverse_proxy validator-1:8080 validator-2:8080") == balancer.count(
        "reverse_proxy "
    )
    assert re.findall(r"lb_retry_match \{\s*(.*?)\s*\}", balancer) == ["method GET HEAD"]
    assert "health_uri /readyz" in balancer
    assert "@private path /metrics" in balancer


def make_secrets(folder: Path) -> dict[str, str]:
    (folder / "deploy").mkdir(exist_ok=True)
    script = folder / "deploy" / "make-secrets.sh"
    script.write_text(read("deploy/make-secrets.sh"), encoding="utf-8")
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    return {file.name: file.read_text(encoding="ascii") for file in (folder / "deploy/secrets").iterdir()}


@pytest.mark.skipif(
    not shutil.which("openssl") and not os.environ.get("CI"), reason="openssl is not installed"
)
def test_the_script_makes_every_secret_once(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert {f"deploy/secrets/{name}" for name in made} == {
        secret["file"] for secret in stack()["secrets"].values()
    }
    assert all(made.values())
    assert made == make_secrets(tmp_path), "a second run must not change what is in use"
    assert (tmp_path / "deploy/secrets").stat().st_mode & 0o777 == 0o700
    assert made["postgres_app_password"] in made["database_url"]
    assert made["postgres_app_password"] != made["postgres_owner_password"]


def test_commit_hooks_run_our_own_tools_only() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
