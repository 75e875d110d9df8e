"""Settings: secrets from files, and one plain line for what is missing or contradictory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from command.surroundings import Surroundings
from validator.settings import Settings, SettingsError, required_secret

NAME = "DATABASE_URL"
URL = "postgresql://poincon_app:$(id)@host/poincon"


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str], str]:
    def keep(content: str) -> str:
        path = tmp_path / "secret"
        path.write_text(content, encoding="utf-8")
        return str(path)

    return keep


def test_a_secret_is_what_its_file_holds_without_the_end_of_its_line(kept: Callable[[str], str]) -> None:
    assert required_secret({f"{NAME}_FILE": kept(f"{URL}\n")}, NAME) == URL
    assert required_secret({NAME: URL, f"{NAME}_FILE": ""}, NAME) == URL


def test_a_service_is_set_up_by_files_alone(kept: Callable[[str], str]) -> None:
    file = kept(URL)
    names = ("DATABASE_URL_FILE", "VALKEY_URL_FILE", "POINCON_PASSPHRASE_FILE")
    settings = Settings.from_environment({"POINCON_KEYS": "keys", **dict.fromkeys(names, file)})
    assert (settings.database_url, settings.valkey_url, settings.passphrase) == (URL, URL, URL)


@pytest.mark.parametrize(
    ("content", "said"), [("", "is empty"), (" \n", "is empty"), (None, "can't be read \\(No such file")]
)
def test_a_missing_or_empty_file_is_named(
    kept: Callable[[str], str], tmp_path: Path, content: str | None, said: str
) -> None:
    path = str(tmp_path / "nowhere") if content is None else kept(content)
    with pytest.raises(SettingsError, match=f"{NAME}_FILE: {path} {said}"):
        required_secret({f"{NAME}_FILE": path}, NAME)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        required_secret({f"{NAME}_FILE": str(tmp_path / "secret")}, NAME)


def test_a_secret_that_is_told_twice_is_a_mistake_and_neither_is_shown(kept: Callable[[str], str]) -> None:
    with pytest.raises(SettingsError, match=f"{NAME} and {NAME}_FILE are both set") as told:
        required_secret({NAME: URL, f"{NAME}_FILE": kept("another")}, NAME)
    assert "poincon_app" not in str(told.value)


def test_a_secret_that_nobody_told_is_named_both_ways() -> None:
    with pytest.raises(SettingsError, match=f"{NAME}, or {NAME}_FILE, is not set"):
        required_secret({}, NAME)


def test_the_folder_of_a_demo_goes_before_a_file_of_the_environment(
    tmp_path: Path, kept: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{NAME}_FILE", kept("postgresql://elsewhere/poincon"))
    (tmp_path / "environment.json").write_text(json.dumps({NAME: URL}), encoding="utf-8")
    assert required_secret(Surroundings(tmp_path).variables, NAME) == URL
