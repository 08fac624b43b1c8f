"""Deviations from this repository's own rules, found in what a program registers."""

from collections.abc import Iterable, Iterator

from infra.policy.exceptions import Checker
from tests.checkers.findings import Finding, named
from tests.engine import Registered

ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LISTENER, TARGETS = "aws:lb/listener:Listener", "aws:lb/targetGroup:TargetGroup"


def design(resources: Iterable[Registered], *, stack: str) -> list[Finding]:
    """Return what breaks a rule of DESIGN: every bucket under KMS, every hop under TLS."""
    registered = list(resources)
    return sorted(
        Finding(Checker.DESIGN, rule, named(item), message, stack)
        for rule, item, message in [*_without_kms(registered), *_plain_hops(registered)]
    )


def _without_kms(resources: Iterable[Registered]) -> Iterator[tuple[str, Registered, str]]:
    for item in resources:
        if item.type == ENCRYPTION:
            used = {rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] for rule in item["rules"]}
            if used != {"aws:kms"}:
                yield "bucket-without-kms", item, "objects are encrypted with S3's own keys, not a customer key"


def _plain_hops(resources: Iterable[Registered]) -> Iterator[tuple[str, Registered, str]]:
    registered = list(resources)
    if any(item["protocol"] == "TLS" for item in registered if item.type == LISTENER):
        for item in registered:
            if item.type == TARGETS and item["protocol"] == "TCP":
                yield "plaintext-behind-tls-listener", item, "the hop from the load balancer to the tasks is not TLS"
