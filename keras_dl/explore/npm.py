"""Scripts out of npm's registry: packages of one version, fetched once, and checked whenever they are used."""

import base64
import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

from keras_dl.checks import refusal
from keras_dl.types import PathLike

REGISTRY = "https://registry.npmjs.org"
SECONDS = 60  # without an answer


class Package(NamedTuple):
    """A version of a package, as a lock file pins it.

    Attributes:
        name: Its name in the registry.
        version: Its version.
        integrity: SHA-512 of its archive in base64, as `npm view NAME@VERSION dist.integrity` prints it.
        files: Dict of the SHA-256 of the files that are used, by their paths in the archive.
    """

    name: str
    version: str
    integrity: str
    files: dict

    @property
    def archive(self) -> str:
        """The file name of the archive, as `npm pack` writes it."""
        return f"{self.name}-{self.version}.tgz"


ONNX_RUNTIME = Package(
    "onnxruntime-web",
    "1.22.0",
    "sha512-Ud/+EBo6mhuaQWt/OjaOk0iNWjXqJoeeMFr6xQEERZdIZH2OWpGzuujz7lfuOBjUa6TEE/sc4nb7Da5dNL34fg==",
    {
        "package/dist/ort.wasm.bundle.min.mjs": "e53392ea5f0e654acf1866c16564b340661ed5d238f692c3c2bd40b940f924a2",
        "package/dist/ort-wasm-simd-threaded.mjs": "30dd851d9c00622940500f71ddd2ff8820c5cb65270816080175b958705385a8",
        "package/dist/ort-wasm-simd-threaded.wasm": "71aef04959c5c1b6de461b6538e2058e306610034a85aad2742d0c7fd4533fe4",
    },
)
#: Looks for faults of accessibility, in the tests.
AXE = Package(
    "axe-core",
    "4.10.3",
    "sha512-Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg==",
    {"package/axe.min.js": "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb"},
)


def fetch(package: "Package", cache: PathLike | None = None) -> dict[str, Path]:
    """Returns the files of a package, which are fetched from npm's registry unless the cache holds them.

    The variable `npm_config_registry` names another registry, as for npm itself. Without network the archive can be put
    into the cache by hand.

    Args:
        package: `Package`.
        cache: Folder that packages are kept in; `None` for `npm` in Keras' own, `~/.keras`.

    Returns:
        Dict of the files' paths by their file names.

    Raises:
        OSError: If the registry does not answer, or the archive cannot be kept.
        ValueError: If the archive is another than the pinned one.
    """
    folder = Path(cache or _home() / "npm") / f"{package.name}-{package.version}"
    paths = {Path(name).name: folder / Path(name).name for name in package.files}
    sums = {Path(name).name: digest for name, digest in package.files.items()}
    if all(path.is_file() and _sha256(path.read_bytes()) == sums[name] for name, path in paths.items()):
        return paths
    for name, content in _unpacked(package, folder).items():
        if _sha256(content) != sums[name]:
            raise refusal(f"{name} of {package.archive} should have the SHA-256 {sums[name]}", _sha256(content))
        _write(paths[name], content)
    return paths


def _home():
    """Keras' own folder."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def _unpacked(package, folder):
    """The contents of the package's files by their file names, out of an archive that was checked."""
    by_hand = folder / package.archive
    content = by_hand.read_bytes() if by_hand.is_file() else _downloaded(package, by_hand)
    digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != package.integrity:
        raise refusal(f"{package.archive} should have the checksum {package.integrity}", digest)
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        return {Path(name).name: archive.extractfile(name).read() for name in package.files}


def _downloaded(package, by_hand):
    registry = os.environ.get("npm_config_registry", REGISTRY).rstrip("/")  # noqa: SIM112
    address = f"{registry}/{package.name}/-/{package.archive}"
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            return answer.read()
    except (OSError, ValueError) as error:  # of urllib, sockets and TLS; addresses that are none
        raise refusal(
            f"{address} should answer; without network, put what `npm pack {package.name}@{package.version}` writes "
            f"where it is looked for, {by_hand}",
            error,
            error=OSError,
        ) from error


def _write(path, content):
    """Writes a file of the cache in one step, over a damaged one, too: the cache holds nothing of a user's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".new_{os.getpid()}_{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _sha256(content):
    return hashlib.sha256(content).hexdigest()
