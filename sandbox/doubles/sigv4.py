"""Is a received request signed as AWS requires? Recomputes Signature Version 4 with botocore's own signer.

The rules are AWS's: IAM User Guide, "Create a signed AWS API request" and "Elements of an AWS API request
signature"; the wording of refusals follows the services' (UnrecognizedClientException, SignatureDoesNotMatch).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from sandbox.doubles.aws_clients import AwsCredentials
from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import Refusal, RpcCode

# "In most cases, a request must reach AWS within five minutes of the time stamp in the request."
MAX_SKEW = timedelta(minutes=5)

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[^/, ]+)/(?P<service>[^/, ]+)/aws4_request"
    r", *SignedHeaders=(?P<headers>[a-z0-9;_-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(
    request: HttpRequest,
    *,
    credentials: AwsCredentials,
    service: str,
    region: str,
    now: datetime | None = None,
) -> None:
    """Return if `request` is signed by `credentials` for `service` in `region`, and recently.

    Refusal 401 without an AWS4-HMAC-SHA256 Authorization (CloudWatch Logs also takes bearer tokens; this double does
    not), 403 for any other fault. No refusal carries a secret or the expected signature.
    """
    header = request.headers.get("authorization", "")
    if not header.startswith("AWS4-HMAC-SHA256 "):
        raise Refusal(401, RpcCode.UNAUTHENTICATED, "MissingAuthenticationToken: the request is not signed")
    parts = _AUTHORIZATION.fullmatch(header)
    if parts is None:
        raise _denied("IncompleteSignature", "the Authorization header is malformed")
    if not hmac.compare_digest(parts["key"], credentials.access_key_id):
        raise _denied("UnrecognizedClientException", "The security token included in the request is invalid.")
    if parts["service"] != service:
        raise _denied("SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.")
    if parts["region"] != region:
        raise _denied("SignatureDoesNotMatch", f"Credential should be scoped to a valid region: '{region}'.")
    stamp = _check_date(request, parts["date"], now or datetime.now(UTC))
    signed = parts["headers"].split(";")
    for required in ("host", "x-amz-date"):
        if required not in signed:
            raise _denied("SignatureDoesNotMatch", f"'{required}' must be a 'SignedHeader'")
    for name in signed:
        if name not in request.headers:
            raise _denied("SignatureDoesNotMatch", f"the signed header '{name}' is not in the request")
    payload_hash = request.headers.get("x-amz-content-sha256")
    if payload_hash is not None and payload_hash != hashlib.sha256(request.body).hexdigest():
        raise _denied("SignatureDoesNotMatch", "x-amz-content-sha256 is not the hash of the body")
    expected = _signature(request, signed, stamp, credentials, service, region)
    if not hmac.compare_digest(parts["signature"], expected):
        raise _denied(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def _check_date(request: HttpRequest, scope_date: str, now: datetime) -> str:
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _denied("IncompleteSignature", "x-amz-date is missing or malformed") from None
    if stamp[:8] != scope_date:
        raise _denied("SignatureDoesNotMatch", "the credential's date is not that of x-amz-date")
    if abs(now - signed_at) > MAX_SKEW:
        raise _denied("SignatureDoesNotMatch", f"Signature expired or not yet current: {stamp}")
    return stamp


def _signature(
    request: HttpRequest,
    signed: list[str],
    stamp: str,
    credentials: AwsCredentials,
    service: str,
    region: str,
) -> str:
    signer = _ReceivedRequestSigner(
        Credentials(credentials.access_key_id, credentials.secret_access_key), service, region
    )
    query = f"?{request.query}" if request.query else ""
    received = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['host']}{request.path}{query}",  # http: the body's hash is always signed
        headers={name: request.headers[name] for name in signed},
        data=request.body,
    )
    received.context["timestamp"] = stamp
    canonical = signer.canonical_request(received)
    return str(signer.signature(signer.string_to_sign(received, canonical), received))


class _ReceivedRequestSigner(SigV4Auth):
    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        """Return exactly what the client signed: botocore would leave out some headers that others may sign."""
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


def _denied(kind: str, message: str) -> Refusal:
    # 403 is what the collector reports for bad credentials (CloudWatch OTLP endpoint, Troubleshooting).
    return Refusal(403, RpcCode.PERMISSION_DENIED, f"{kind}: {message}")
