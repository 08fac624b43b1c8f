"""Signatures of manifests, checked with the public half of the key alone: by KMS's answer, or from a file, offline."""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from infra.problems import InputError, Problem


class PublicKey:
    """The public half of a signing key (ECC_NIST_P256)."""

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Return whether `signature` (DER, ECDSA with SHA-256) is this key's over `text`."""
        try:
            self._key.verify(signature, text, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def from_kms(kms: Any, key: str) -> PublicKey:
    """Return the public half of a KMS key. Raises InputError when KMS does not give it."""
    try:
        der = kms.get_public_key(KeyId=key)["PublicKey"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise _bad(f"KMS does not give the public half of {key} ({code}); it takes kms:GetPublicKey on it") from None
    except BotoCoreError as error:
        raise _bad(f"KMS cannot be asked for the public half of {key} ({type(error).__name__})") from None
    return _p256(load_der_public_key(der), f"of {key}")


def from_file(path: Path) -> PublicKey:
    """Return the key in a PEM file. Raises InputError when there is none."""
    try:
        return _p256(load_pem_public_key(path.read_bytes()), f"in {path}")
    except (OSError, ValueError):
        raise _bad(f"there is no public key in {path}") from None


def _p256(key: Any, where: str) -> PublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise _bad(f"the key {where} is not of the kind ECC_NIST_P256")
    return PublicKey(key)


def _bad(wrong: str) -> InputError:
    return InputError(
        [Problem("command line", "PUBLIC_KEY", wrong, "aws kms get-public-key, as PEM, kept where you trust")]
    )
