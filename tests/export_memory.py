# ruff: noqa: N803 - AWS names its arguments
"""S3 and KMS in memory, as far as the export uses them: fifty times as fast as moto, for tests of many histories.

tests/test_export_fake.py holds them against moto, call by call.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def refusal(code: str, operation: str, message: str) -> ClientError:
    """Return the error that boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Body(io.BytesIO):
    """An object's bytes, as boto3 gives them."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """Yield pieces."""
        while piece := self.read(size):
            yield piece


class MemoryS3:
    """Buckets of objects."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.overwritten: list[str] = []
        """Keys that were written again."""

    def create_bucket(self, *, Bucket: str) -> dict[str, Any]:
        """Make an empty bucket."""
        self.buckets[Bucket] = {}
        return {}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfNoneMatch: str | None = None,
        **_: str,
    ) -> dict[str, Any]:
        """Store an object; with IfNoneMatch only where there is none."""
        if IfNoneMatch == "*" and Key in self.buckets[Bucket]:
            raise refusal("PreconditionFailed", "PutObject", "At least one of the pre-conditions did not hold")
        if Key in self.buckets[Bucket]:
            self.overwritten.append(Key)
        self.buckets[Bucket][Key] = Body
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Return an object."""
        if Key not in self.buckets[Bucket]:
            raise refusal("NoSuchKey", "GetObject", "The specified key does not exist.")
        return {"Body": Body(self.buckets[Bucket][Key])}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Remove an object."""
        self.buckets[Bucket].pop(Key, None)
        return {}

    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        StartAfter: str = "",
        MaxKeys: int = 1000,
        ContinuationToken: str = "",
    ) -> dict[str, Any]:
        """List objects in the order of their keys."""
        after = ContinuationToken or StartAfter
        found = sorted(key for key in self.buckets[Bucket] if key.startswith(Prefix) and key > after)
        page: dict[str, Any] = {
            "Contents": [{"Key": key, "Size": len(self.buckets[Bucket][key])} for key in found[:MaxKeys]]
        }
        return page | ({"NextContinuationToken": found[MaxKeys - 1]} if len(found) > MaxKeys else {})


class MemoryKms:
    """Signing keys."""

    def __init__(self) -> None:
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def create_key(self, *, KeySpec: str, KeyUsage: str) -> dict[str, Any]:
        """Make a key."""
        assert (KeySpec, KeyUsage) == ("ECC_NIST_P256", "SIGN_VERIFY")
        arn = f"arn:aws:kms:us-east-1:123456789012:key/{len(self.keys)}"
        self.keys[arn] = ec.generate_private_key(ec.SECP256R1())
        return {"KeyMetadata": {"Arn": arn}}

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, Any]:
        """Sign a short text."""
        assert (MessageType, SigningAlgorithm) == ("RAW", "ECDSA_SHA_256")
        assert len(Message) <= 4096
        return {"KeyId": KeyId, "Signature": self.keys[KeyId].sign(Message, ec.ECDSA(SHA256()))}

    def verify(
        self,
        *,
        KeyId: str,
        Message: bytes,
        MessageType: str,
        Signature: bytes,
        SigningAlgorithm: str,
    ) -> dict[str, Any]:
        """Check a signature."""
        assert (MessageType, SigningAlgorithm) == ("RAW", "ECDSA_SHA_256")
        try:
            self.keys[KeyId].public_key().verify(Signature, Message, ec.ECDSA(SHA256()))
        except InvalidSignature as error:
            raise refusal("KMSInvalidSignatureException", "Verify", "") from error
        return {"SignatureValid": True}

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        """Return the public part, as DER."""
        der = self.keys[KeyId].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"PublicKey": der}
