"""The stack's own provider of Datadog: one organisation, one site, keys that stand nowhere in plain text."""

from collections.abc import Mapping

import pulumi
import pulumi_datadog as datadog

from infra.context import Context


def provider(context: Context, keys: Mapping[str, pulumi.Input[str]]) -> datadog.Provider:
    """Return the provider `datadog`, which signs in with `keys` (argument to key, see infra.secrets.DEPLOY_KEYS).

    The keys are tried before anything is registered, except where a double stands in for Datadog: it has none.
    """
    settings = context.settings
    return datadog.Provider(
        "datadog",
        api_key=pulumi.Output.secret(keys["api_key"]),
        app_key=pulumi.Output.secret(keys["app_key"]),
        api_url=f"https://api.{settings.datadog_site}/",
        validate=str(settings.endpoints.datadog is None).lower(),
    )
