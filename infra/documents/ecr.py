"""Which ECR repository an image comes from, if any."""

import re
from dataclasses import dataclass

_ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?P<china>\.cn)?/(?P<name>.+)"
)

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What pulling from one repository takes. A pull-through repository must hold the digest already: filling it takes
a route to the upstream registry and the right to import, which the execution role has not."""


@dataclass(frozen=True)
class EcrRepository:
    """A repository in Amazon ECR, possibly in another account."""

    account: str
    region: str
    name: str

    def arn(self, partition: str) -> str:
        """Return the repository's ARN."""
        return f"arn:{partition}:ecr:{self.region}:{self.account}:repository/{self.name}"


def ecr_repository(image_repository: str) -> EcrRepository | None:
    """Return the ECR repository that `image_repository` names, or None for a registry outside ECR."""
    found = _ECR.fullmatch(image_repository)
    return EcrRepository(found["account"], found["region"], found["name"]) if found else None
