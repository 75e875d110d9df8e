"""`poincon decode` as a person runs it: files, folders, standard input, drawn pictures, exit status."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image


def a_picture(text: str = "PN1:A-PASS") -> bytes:
    drawn = io.BytesIO()
    segno.make(text, micro=False).save(drawn, kind="png", scale=6)
    return drawn.getvalue()


def decode(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, list[dict[str, Any]], str]:
    command = "from command.decode import decode; decode()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", command, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_decode_prints_a_line_per_picture_of_files_folders_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.png").write_bytes(a_picture("ONE"))
    (tmp_path / "sub" / "notes.txt").write_text("not a picture, passed over")
    (tmp_path / "two.PNG").write_bytes(a_picture("TWO"))
    status, lines, stderr = decode(tmp_path, tmp_path / "two.PNG", "-", stdin=a_picture("THREE"))
    assert (status, stderr) == (0, "")
    names = [str(tmp_path / "sub/one.png"), str(tmp_path / "two.PNG"), str(tmp_path / "two.PNG"), "-"]
    assert [line["image"] for line in lines] == names
    texts = [[code["text"] for code in line["codes"]] for line in lines]
    assert texts == [["ONE"], ["TWO"], ["TWO"], ["THREE"]]
    assert set(lines[0]) == {"image", "codes", "ms"}
    (code,) = lines[0]["codes"]
    assert set(code) == {"text", "format", "corners"}
    assert len(code["corners"]) == 4


def test_decode_goes_on_past_pictures_without_code_and_refused_ones(tmp_path: Path) -> None:
    Image.new("L", (50, 50)).save(tmp_path / "a-blank.png")
    (tmp_path / "b.heic").write_bytes(b"\0\0\0\x20ftypheic\0\0\0\0mif1heic")
    (tmp_path / "c.png").write_bytes(a_picture())
    status, lines, _ = decode(tmp_path)
    assert status == 1
    assert [bool(line["codes"]) for line in lines] == [False, False, True]
    assert lines[1]["error"] == "unsupported_format"
    assert "HEIC" in str(lines[1]["message"])
    assert "error" not in lines[0]


@pytest.mark.parametrize("arguments", [[], ["no-such-file.png"]])
def test_decode_says_what_is_wrong_with_its_arguments(arguments: list[str]) -> None:
    status, lines, stderr = decode(*arguments)
    assert (status, lines) == (2, [])
    assert "Error:" in stderr


def test_decode_does_not_mistake_an_empty_folder_for_success(tmp_path: Path) -> None:
    assert decode(tmp_path)[0] == 2


def test_decode_draws_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(a_picture())
    (tmp_path / "two.heic").write_bytes(b"\0\0\0\x20ftypheic\0\0\0\0mif1heic")
    drawn = tmp_path / "drawn"
    status, _, _ = decode(tmp_path / "one.png", tmp_path / "two.heic", "--annotate", str(drawn))
    assert status == 1
    assert [path.name for path in drawn.iterdir()] == ["0001-one.png"]
    with Image.open(drawn / "0001-one.png") as page:
        assert (230, 90, 0) in {colour for _, colour in page.getcolors(2**24) or ()}
