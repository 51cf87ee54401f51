"""Software bill of materials (CycloneDX 1.6 in JSON) of a wheel and of the packages that are installed with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.errors import ReleaseError
from release.packages import Package
from release.script_packages import ScriptPackage

__all__ = ["WheelFile", "check_sbom", "make_sbom"]


@dataclass(frozen=True, slots=True)
class WheelFile:
    """The wheel that a bill is of.

    Attributes:
        name: name of the distribution.
        version: its version.
        file_name: name of the file.
        sha256: its SHA-256, in hexadecimal.
        license: SPDX expression.
        requires: normalized names of the packages that it names itself.
    """

    name: str
    version: str
    file_name: str
    sha256: str
    license: str
    requires: tuple[str, ...]


def make_sbom(
    wheel: WheelFile,
    packages: Sequence[Package],
    required: Collection[str],
    time: int,
    scripts: Sequence[ScriptPackage] = (),
) -> str:
    """Return the bill of materials of a wheel; the same materials give the same text.

    Args:
        wheel: the wheel.
        packages: all packages that can be installed with it, by the versions that are pinned.
        required: names of the packages that are always installed; the others belong to extras.
        time: time of the bill, in seconds since 1970.
        scripts: npm packages that are in the scripts of the wheel.

    Raises:
        ReleaseError: the bill does not match the schema.
    """
    root = Component(
        type=ComponentType.APPLICATION,
        name=wheel.name,
        version=wheel.version,
        bom_ref=wheel.file_name,
        purl=PackageURL("pypi", name=wheel.name, version=wheel.version, qualifiers={"file_name": wheel.file_name}),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel.sha256)],
        licenses=[LicenseFactory().make_from_string(wheel.license)],
    )
    bom = Bom(
        # One number for each wheel, not one for each time that the bill is made.
        serial_number=uuid5(NAMESPACE_URL, f"sha256:{wheel.sha256}"),
        metadata=BomMetaData(component=root, timestamp=datetime.fromtimestamp(time, UTC)),
    )
    components = {package.name: _component(package, package.name in required) for package in packages}
    contained = [_script_component(package) for package in scripts]
    bom.components.update(components.values(), contained)
    for package in packages:
        bom.register_dependency(components[package.name], [components[name] for name in package.requires])
    bom.register_dependency(root, [*(components[name] for name in wheel.requires if name in components), *contained])
    text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    check_sbom(text)
    return text


def _component(package: Package, required: bool) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=f"{package.name}=={package.version}",
        scope=ComponentScope.REQUIRED if required else ComponentScope.OPTIONAL,
        purl=PackageURL("pypi", name=package.name, version=package.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)],
        licenses=[LicenseFactory().make_from_string(package.license)] if package.license else (),
        external_references=[ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(package.url))],
    )


def _script_component(package: ScriptPackage) -> Component:
    scope, _, name = package.name.rpartition("/")
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        group=scope or None,
        version=package.version,
        bom_ref=f"npm:{package.name}@{package.version}",
        scope=ComponentScope.REQUIRED,
        purl=PackageURL("npm", namespace=scope or None, name=name, version=package.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_512, content=package.sha512)],
        licenses=[LicenseFactory().make_from_string(package.license)],
    )


def check_sbom(text: str) -> None:
    """Check a bill against the schema of CycloneDX 1.6.

    Raises:
        ReleaseError: it does not match.
    """
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        raise ReleaseError(f"the bill of materials does not match the schema of CycloneDX: {error}")
