"""Installing: the lock, the environment that comes of it, and the iNNvestigate build backend."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIST_INFO = "innvestigate-2.1.2.dist-info"
PUBLISHED_METADATA = """\
Metadata-Version: 2.1
Name: innvestigate
Version: 2.1.2
Requires-Python: >=3.9,<3.12
Classifier: Programming Language :: Python :: 3.11
Requires-Dist: future (>=0.18,<0.19)
Requires-Dist: tensorflow (>=2.6,<2.15)
Project-URL: Documentation, somewhere

# A description

Version: of the text
Requires-Dist: is text here
"""


def locked() -> list[Requirement]:
    """The pinned requirements of the lock: every line but comments and the two paths."""
    lines = (line.split("#")[0].strip() for line in LOCK.read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("./", "-e "))]


def needed() -> dict[str, Requirement]:
    """What tfgenxai needs here, with what that needs in turn, by canonical name."""
    extras = PROJECT["optional-dependencies"]
    wanted = [Requirement(text) for text in [*PROJECT["dependencies"], *extras["dev"]]]
    found: dict[str, Requirement] = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        found[name] = requirement
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in metadata.requires(name) or []:
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    wanted.append(further)
    return found


@pytest.fixture
def backend() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "innvestigate_backend", ROOT / "requirements/innvestigate/backend.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel laid out like the published one."""
    path = tmp_path / "innvestigate-2.1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("innvestigate/__init__.py", "x = 1\n")
        archive.writestr("innvestigate/data.bin", bytes(range(256)))
        archive.writestr(f"{DIST_INFO}/METADATA", PUBLISHED_METADATA)
        archive.writestr(f"{DIST_INFO}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{DIST_INFO}/RECORD", "innvestigate/__init__.py,sha256=stale,1\n")
    return path


def test_environment_has_no_conflicts() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout


def test_lock_pins_all_that_is_needed_here() -> None:
    pins = {
        canonicalize_name(pin.name): pin.specifier
        for pin in locked()
        if pin.marker is None or pin.marker.evaluate()
    }
    requirements = needed()
    assert sorted(requirements.keys() - pins.keys()) == []
    for name, requirement in requirements.items():
        (pin,) = pins[name]
        assert pin.operator == "==" and "*" not in pin.version, pin
        assert requirement.specifier.contains(pin.version), f"{requirement} but locked {pin}"


def test_each_python_gets_one_pin_of_a_package() -> None:
    for python in ("3.11", "3.12", "3.13"):
        here = {"python_version": python, "python_full_version": f"{python}.0"}
        names = [
            canonicalize_name(pin.name)
            for pin in locked()
            if pin.marker is None or pin.marker.evaluate({**here, "sys_platform": "linux"})
        ]
        assert len(names) == len(set(names))


def test_lock_names_no_index_and_ends_with_the_project() -> None:
    lines = LOCK.read_text().splitlines()
    assert "./requirements/innvestigate" in lines
    assert lines[-1] == "-e .[lrp]"
    options = [line for line in lines if line.startswith("-")]
    assert options == ["-e .[lrp]"]
    assert not re.search(r"\w+://", LOCK.read_text())


def test_importing_the_package_leaves_tensorflow_alone() -> None:
    code = (
        "import sys, tfgenxai;"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'umap', 'shap', 'matplotlib'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_backend_lifts_the_caps(backend: ModuleType, wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    repacked = backend.repack(wheel, target)
    assert repacked.name == "innvestigate-2.1.2+tfgenxai-py3-none-any.whl"
    with zipfile.ZipFile(repacked) as archive:
        text = archive.read("innvestigate-2.1.2+tfgenxai.dist-info/METADATA").decode()
    parsed = Parser().parsestr(text)
    requires = {
        (r := Requirement(line)).name: r.specifier for line in parsed.get_all("Requires-Dist")
    }
    assert requires == {
        "future": SpecifierSet(),
        "matplotlib": SpecifierSet(">=3.5"),
        "numpy": SpecifierSet(">=1.22"),
        "tensorflow": SpecifierSet(">=2.6"),
        "tf-keras": SpecifierSet(),
    }
    assert parsed["Version"] == "2.1.2+tfgenxai"
    assert parsed["Requires-Python"] is None
    assert parsed["Project-URL"] == "Documentation, somewhere"
    assert parsed.get_payload() == PUBLISHED_METADATA.partition("\n\n")[2]


def test_backend_record_lists_every_file(backend: ModuleType, wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with zipfile.ZipFile(backend.repack(wheel, target)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    (record,) = (name for name in contents if name.endswith("/RECORD"))
    rows = [line.split(",") for line in contents[record].decode().splitlines()]
    assert {row[0] for row in rows} == contents.keys()
    assert len(rows) == len(contents)
    for name, digest, size in rows:
        if name == record:
            assert (digest, size) == ("", "")
            continue
        assert int(size) == len(contents[name])
        algorithm, _, encoded = digest.partition("=")
        expected = hashlib.new(algorithm, contents[name]).digest()
        assert base64.urlsafe_b64decode(encoded + "=") == expected
    assert contents["innvestigate/data.bin"] == bytes(range(256))


def test_backend_refuses_an_altered_wheel(
    backend: ModuleType, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    monkeypatch.setattr(backend, "SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())

    def fetch(folder: Path) -> Path:
        return Path(shutil.copy(wheel, folder))

    monkeypatch.setattr(backend, "download", fetch)
    name = backend.build_wheel(str(target))
    assert (target / name).is_file()
    (target / name).unlink()

    altered = bytearray(wheel.read_bytes())
    altered[40] ^= 1
    wheel.write_bytes(altered)
    with pytest.raises(RuntimeError, match="not the published innvestigate 2.1.2"):
        backend.build_wheel(str(target))
    assert list(target.iterdir()) == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_make_says_which_python_is_needed(python: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "venv", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (tmp_path / "venv").exists()
