"""What Datadog would refuse, or quietly ignore, of settings and policy: said before anything is registered."""

import re
from collections.abc import Iterator

from infra.context import Context
from infra.documents.datadog.archive import ACCOUNTS
from infra.documents.datadog.facets import faults, known
from infra.documents.datadog.indexes import index_name
from infra.documents.datadog.scanner import pattern, scanned
from infra.documents.datadog.scope import classes
from infra.problems import Problem

INDEX_NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
"""What an index may be called (Datadog docs, "Indexes"); the limit of a hundred characters is this program's own."""
CLASSES, REDACTION = "policy/data_classes.yaml", "policy/redaction.yaml"


def problems(context: Context) -> list[Problem]:
    """Return everything in the stack's settings and the policy that cannot be set up at Datadog."""
    return [*_settings(context), *_exclusions(context), *_patterns(context)]


def _settings(context: Context) -> Iterator[Problem]:
    file, settings = f"Pulumi.{context.environment}.yaml", context.settings
    if settings.datadog_site not in ACCOUNTS:
        yield Problem(
            file, "tinybeans-logging:datadog_site", "not a site whose AWS account is known", ", ".join(ACCOUNTS)
        )
    if settings.aws.partition != "aws":
        yield Problem(file, "tinybeans-logging:aws.partition", "Datadog takes roles in the partition aws only", "aws")
    for cls in classes(context):
        if not INDEX_NAME.fullmatch(index_name(context, cls)):
            yield Problem(
                CLASSES,
                f"classes.{cls}",
                "not a name that a Datadog index can have",
                "a letter, then lower-case letters, digits and hyphens",
            )


def _exclusions(context: Context) -> Iterator[Problem]:
    facets = known(context)
    for cls, data_class in classes(context).items():
        for position, item in enumerate(data_class.datadog.exclusions if data_class.datadog else ()):
            for fault in faults(item.query, facets):
                yield Problem(
                    CLASSES,
                    f"classes.{cls}.datadog.exclusions.{position}.query",
                    fault,
                    "facets of infra/documents/datadog/contract.py, or familiar_names of policy/redaction.yaml",
                )


def _patterns(context: Context) -> Iterator[Problem]:
    for rule in scanned(context):
        if re.search(pattern(rule), "") is not None:
            yield Problem(
                REDACTION,
                f"rules.{rule.name}.pattern",
                "matches the empty text, which Datadog's scanner refuses",
                "a pattern that matches at least one character",
            )
