"""What a stack's nightly export is told to do, and which code does it. Pure, but for the code's own files."""

import hashlib
from pathlib import Path

import infra.export
from infra.context import Context
from infra.documents.lifecycle import proofs_kept_days
from infra.export.targets import Assignment, Target

STREAM = "export"
"""Log stream in which manifests are announced."""
SIGNING_KEY = "manifest-signing"
"""Name of the key that signs manifests, as its alias ends."""


def announcing_class(context: Context) -> str:
    """Return the class whose log group manifests are announced in: the first whose reads are recorded, too."""
    return context.policy.data_classes.audited_reads[0]


def assignment(context: Context) -> Assignment:
    """Return what the export of this stack is told to do."""
    classes = context.policy.data_classes.classes
    return Assignment(
        environment=context.environment,
        targets=tuple(
            Target(
                cls,
                context.log_group(cls),
                context.archive_bucket(cls),
                data_class.hot_retention_days.at(context.settings.environment),
                data_class.archive.at(context.settings.environment).keep_days,
                proofs_kept_days(
                    data_class.archive.at(context.settings.environment),
                    context.policy.data_classes.proofs_outlive_days.at(context.settings.environment),
                ),
            )
            for cls, data_class in classes.items()
        ),
        signing_key=context.key_alias(SIGNING_KEY),
        audit_group=context.log_group(announcing_class(context)),
        audit_stream=STREAM,
        policy_digest=context.policy.digest,
        code_version=code_version(),
    )


def sources() -> dict[str, Path]:
    """Return the function's modules: path in its archive to path here."""
    here = Path(infra.export.__file__).parent
    return {f"infra/export/{path.name}": path for path in sorted(here.glob("*.py"))}


def code_version() -> str:
    """Return the SHA-256 of the function's modules, in hex: what runs can be compared with any commit."""
    total = hashlib.sha256()
    for name, path in sources().items():
        total.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()
