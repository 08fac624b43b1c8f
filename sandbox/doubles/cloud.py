"""The whole embedded cloud in one `with`: moto, CloudWatch's OTLP endpoint in front of it, and SaaS intakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, AwsCredentials
from sandbox.doubles.cloudwatch_otlp import CloudWatchOtlp
from sandbox.doubles.moto_server import MotoServer
from sandbox.doubles.otlp_intake import IntakeSpec, OtlpIntake
from sandbox.doubles.otlp_metrics import OtlpMetrics, cloudwatch_metrics, datadog_metrics


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """The addresses and controls of a cloud that is up.

    Make clients with `aws_client(service, endpoint_url=cloud.aws_endpoint, region=cloud.region)`; configure a collector
    with `cloudwatch_logs_endpoint` and `intakes[name].url`; start its process with
    `credentials.child_environment(region)`; hurt it with `cloudwatch.faults` and `intakes[name].faults`.
    """

    region: str
    credentials: AwsCredentials
    moto: MotoServer
    cloudwatch: CloudWatchOtlp
    intakes: Mapping[str, OtlpIntake]
    metrics: Mapping[str, OtlpMetrics]
    """Intakes of the collector's own metrics: `cloudwatch`, and `datadog` where it is among the intakes."""

    @property
    def aws_endpoint(self) -> str:
        """The base URL for AWS clients and for the Pulumi provider's endpoints."""
        return self.moto.endpoint

    @property
    def cloudwatch_logs_endpoint(self) -> str:
        """The full URL, with its path, that a collector's otlp_http exporter takes as `logs_endpoint`."""
        return self.cloudwatch.url


@contextmanager
def running_cloud(
    *,
    region: str,
    intakes: Iterable[IntakeSpec] = (),
    credentials: AwsCredentials = SANDBOX_CREDENTIALS,
) -> Iterator[RunningCloud]:
    """Start every double on a free port of 127.0.0.1 and yield their addresses; on the way out stop all of them.

    Stopped on any exception, Ctrl-C included; should this process be killed, moto ends by itself (moto_process.py).
    ValueError for two intakes of one name, MotoStartError if moto does not come up.
    """
    specs = list(intakes)
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise ValueError(f"two intakes have one name: {', '.join(sorted(names))}")
    with ExitStack() as stack:
        running = {spec.name: stack.enter_context(OtlpIntake(spec)) for spec in specs}
        moto = stack.enter_context(MotoServer())
        front = stack.enter_context(CloudWatchOtlp(logs_endpoint=moto.endpoint, region=region, credentials=credentials))
        metrics = {"cloudwatch": cloudwatch_metrics(region=region, credentials=credentials)}
        if datadog := next((spec for spec in specs if spec.name == "datadog"), None):
            metrics["datadog"] = datadog_metrics(datadog.value)
        for intake in metrics.values():
            stack.enter_context(intake)
        yield RunningCloud(region, credentials, moto, front, MappingProxyType(running), MappingProxyType(metrics))
