"""What can be wrong with an object of the archive, said with the place."""


class ArchiveError(Exception):
    """An object of the archive cannot be read; names it, how far it could be read, and what was found there.

    What was read before that place was whole. Nothing of the object's content is repeated.
    """

    def __init__(self, bucket: str, key: str, wrong: str, offset: int | None = None) -> None:
        self.bucket, self.key, self.wrong, self.offset = bucket, key, wrong, offset
        place = "" if offset is None else f" at byte {offset:,} of its text"
        super().__init__(f"s3://{bucket}/{key}: {wrong}{place}")
