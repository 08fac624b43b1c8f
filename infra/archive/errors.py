"""What can be wrong with an object of the archive, said with the place, and what AWS refuses, with what it takes."""

_TAKES = {
    "AccessDenied": "it takes s3:ListBucket on the bucket, s3:GetObject on the object and kms:Decrypt on its class's key",
    "KMS.": "the key of its class has to be there and enabled: aws kms describe-key",
    "NoSuchBucket": "is this the account and region of a stack that is deployed?",
    "NoCredentials": "it takes credentials: AWS_PROFILE, or aws sso login",
}
"""How a code, or what botocore calls it, begins, to the next step."""


def with_next_step(what: str, code: str) -> str:
    """Return that AWS refused `what` with `code`, and what it takes where that is known."""
    takes = next((takes for begins, takes in _TAKES.items() if code.startswith(begins)), "")
    return f"{what} ({code}): {takes}" if takes else f"{what} ({code})"


class ArchiveError(Exception):
    """An object of the archive cannot be read; names it, how far it could be read, and what was found there.

    What was read before that place was whole. Nothing of the object's content is repeated.
    """

    def __init__(self, bucket: str, key: str, wrong: str, offset: int | None = None) -> None:
        self.bucket, self.key, self.wrong, self.offset = bucket, key, wrong, offset
        place = "" if offset is None else f" at byte {offset:,} of its text"
        super().__init__(f"s3://{bucket}/{key}: {wrong}{place}")
