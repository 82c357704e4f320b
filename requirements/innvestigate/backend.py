"""Build backend that gives the published iNNvestigate wheel without its version caps.

iNNvestigate 2.1.2 declares tensorflow<2.15, numpy<2, future<0.19 and python<3.12, and works
without them on TensorFlow 2.21 with Keras 2 (the tf-keras package). No option of pip lifts a
declared cap, so this downloads the wheel with the user's own pip configuration, checks it,
changes what METADATA requires and leaves every other byte as published.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NAME, VERSION, LABEL = "innvestigate", "2.1.2", "tfgenxai"
SHA256 = "d726520472c10657994053a8489d4dfb17dd06816a63923700bf19fc4d7ce7aa"
REQUIRES = ("future", "matplotlib>=3.5", "numpy>=1.22", "tensorflow>=2.6", "tf-keras")


def build_wheel(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """File name of the wheel written to `wheel_directory` (PEP 517)."""
    with tempfile.TemporaryDirectory() as folder:
        published = download(Path(folder))
        check(published)
        return repack(published, Path(wheel_directory)).name


def download(folder: Path) -> Path:
    """The published wheel, fetched into `folder` from wherever the user's pip looks."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--ignore-requires-python", "--dest", str(folder), f"{NAME}=={VERSION}"]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def check(wheel: Path) -> None:
    """Raise RuntimeError unless `wheel` is, byte for byte, the one published."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RuntimeError(
            f"{wheel.name} is not the published {NAME} {VERSION} and was not installed: its "
            f"SHA-256 is {digest}, expected {SHA256}. Empty pip's cache (pip cache purge) and "
            "try again; if it happens again, do not trust the package index in use."
        )


def repack(published: Path, folder: Path) -> Path:
    """The wheel with our requirements and a local version label, written to `folder`."""
    old, new = f"{NAME}-{VERSION}", f"{NAME}-{VERSION}+{LABEL}"
    record = f"{new}.dist-info/RECORD"
    rows = []
    target = folder / f"{new}-py3-none-any.whl"
    with zipfile.ZipFile(published) as source, zipfile.ZipFile(target, "w") as wheel:
        for entry in source.infolist():
            data = source.read(entry)
            name = entry.filename.replace(f"{old}.dist-info/", f"{new}.dist-info/")
            if name == record:
                continue
            if name == f"{new}.dist-info/METADATA":
                data = rewrite(data.decode()).encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(data)}\n")
            wheel.writestr(name, data, zipfile.ZIP_DEFLATED)
        wheel.writestr(record, "".join([*rows, f"{record},,\n"]), zipfile.ZIP_DEFLATED)
    return target


def rewrite(metadata: str) -> str:
    """METADATA with the labelled version and `REQUIRES` in place of what it required."""
    header, _, description = metadata.partition("\n\n")
    header = re.sub(r"(?m)^(Requires-Dist|Requires-Python):.*\n?", "", header)
    header = re.sub(r"(?m)^Version:.*$", f"Version: {VERSION}+{LABEL}", header)
    requires = "".join(f"Requires-Dist: {requirement}\n" for requirement in REQUIRES)
    return f"{header.rstrip()}\n{requires}\n{description}"
