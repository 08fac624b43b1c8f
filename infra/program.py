"""One stack, composed from settings and policy. Read from top to bottom, it is the architecture diagram."""

import importlib
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.alarms import Alarms
from infra.components.alert_events import AlertEvents
from infra.components.archive import Archive
from infra.components.budgets import CostAlerts
from infra.components.collector import Collector, refuse_if_too_large
from infra.components.collector_config import config_bucket
from infra.components.collector_roles import CollectorRoles
from infra.components.dashboard import Dashboards
from infra.components.eraser import Eraser, EraserRole
from infra.components.export_role import ExportRole
from infra.components.keepers import KeeperRoles, Keepers
from infra.components.log_store import LogStore
from infra.components.nightly_export import NightlyExport
from infra.components.notifications import Notifications
from infra.components.read_trail import ReadTrail
from infra.components.reader_grants import ReaderGrants
from infra.components.reader_roles import ReaderRoles
from infra.components.replica import Replicas
from infra.components.search import Search, results_bucket
from infra.components.secret_store import SecretStore
from infra.components.subject_requests import SubjectRequests, SubjectRole
from infra.context import Context
from infra.documents.audiences import publishers, shared
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.documents.export_assignment import announcing_class
from infra.outputs import outputs
from infra.policy.alerts.elsewhere import BudgetCondition
from infra.policy.destinations import Destination
from infra.stack import Stack

SET_UP = {Destination.DATADOG: "infra.components.datadog"}
"""Destinations that are set up themselves, with the package that does it: `check` before anything is registered,
`buckets` for the names of those it will have, `declare`, which returns outputs and keys to be watched. It is imported only where its destination is the stack's."""


def deploy(stack: Stack) -> dict[str, Any]:
    """Register every resource of `stack` and return what a person needs to know of it, no secret among it.

    Raises InputError before anything is registered when the rendered collector configuration is too large.
    """
    context = stack.context
    config = rendered_config(stack)
    refuse_if_too_large(context, config)
    set_up = {name: importlib.import_module(SET_UP[name]) for name in context.settings.destinations if name in SET_UP}
    for service in set_up.values():
        service.check(context)
    opts = pulumi.ResourceOptions(providers=[provider(context)])

    # Who: roles come first, because KMS refuses a key policy that names a principal which does not exist yet.
    readers = ReaderRoles("readers", context=context, opts=opts)
    roles = CollectorRoles("collector-roles", context=context, opts=opts)
    exporter = ExportRole("export-role", context=context, opts=opts)
    keeping = KeeperRoles("keeper-roles", context=context, opts=opts)
    requests = SubjectRole("subject-role", context=context, readers=readers, opts=opts)
    eraser = EraserRole("eraser-role", context=context, opts=opts)

    # Where: one key, log group, stream and bucket for each class, and a copy of each bucket where settings ask for it.
    classes = context.policy.data_classes.classes
    beside = [bucket for service in set_up.values() for bucket in service.buckets(context)]
    access_logs = AccessLogs(
        "access-logs", context=context, also=[config_bucket(context), results_bucket(context), *beside], opts=opts
    )
    replicas = Replicas("replicas", context=context, erasers={cls: eraser.arns_for(cls) for cls in classes}, opts=opts)
    stores = {
        cls: LogStore(
            cls,
            context=context,
            cls=cls,
            data_class=data_class,
            writer_arn=roles.task.arn,
            hot_reader_arns=[*readers.arns(data_class.readers.hot), requests.role.arn, *eraser.arns],
            archive_reader_arns=[*readers.arns(data_class.readers.archived), requests.role.arn, *eraser.arns],
            also=pulumi.Output.all(
                exporter.key_statements(cls, replicas),
                requests.key_statements(cls),
                eraser.key_statements(cls),
                keeping.key_statements(cls),
            ).apply(lambda found: [statement for statements in found for statement in statements]),
            opts=opts,
        )
        for cls, data_class in classes.items()
    }
    archives = {
        cls: Archive(
            f"{cls}-archive",
            context=context,
            cls=cls,
            data_class=data_class,
            key_arn=stores[cls].key_arn,
            access_logs=access_logs,
            writer_arn=roles.task.arn,
            exporter_arn=exporter.role.arn,
            eraser_arns=eraser.arns_for(cls),
            replica=replicas.by_class.get(cls),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[stores[cls].key])),
        )
        for cls, data_class in classes.items()
    }
    key_arns = {cls: store.key_arn for cls, store in stores.items()}
    ReaderGrants("reader-grants", context=context, roles=readers, key_arns=key_arns, opts=opts)
    reads: list[ReadTrail] = []
    if context.settings.audit_reads:
        read_trail = ReadTrail(
            "read-trail",
            context=context,
            buckets=archives,
            access_logs=access_logs,
            reader_arns=readers.arns(classes[context.policy.data_classes.quarantine_class].readers.archived),
            opts=opts,
        )
        reads.append(read_trail)

    # Each night: what CloudWatch holds, beside what the collector archived, so that each can prove the other complete.
    nightly = NightlyExport(
        "nightly-export",
        context=context,
        role=exporter,
        key_arns=key_arns,
        audit_group=stores[announcing_class(context)].log_group_name,
        eraser_arns=eraser.arns,
        after=list(archives.values()),
        opts=opts,
    )

    # Longer than policy: holds, longer locks and certificates, by people whom the settings name.
    keepers = Keepers(
        "keepers",
        context=context,
        roles=keeping,
        key_arns=key_arns,
        audit_group=stores[announcing_class(context)].log_group_name,
        access_logs=access_logs,
        opts=opts,
    )

    search = Search("search", context=context, readers=readers, access_logs=access_logs, opts=opts)

    # How: the collector, with the very configuration that was reviewed and tested.
    secrets = SecretStore(
        "secrets",
        context=context,
        values=stack.secrets,
        reader_role=roles.execution,
        subject_role_arn=requests.role.arn,
        eraser_arns=eraser.arns,
        opts=opts,
    )
    SubjectRequests(
        "subject-requests",
        context=context,
        role=requests,
        key_arns=key_arns,
        audit_store=stores[announcing_class(context)],
        pepper_arns=secrets.pepper_arns,
        secrets_key_arn=secrets.key_arn,
        opts=opts,
    )
    Eraser(
        "eraser",
        context=context,
        role=eraser,
        replicas=replicas,
        key_arns=key_arns,
        audit_store=stores[announcing_class(context)],
        pepper_arns=secrets.pepper_arns,
        secrets_key_arn=secrets.key_arn,
        signing_key_arn=nightly.signing_key_arn,
        opts=opts,
    )
    collector = Collector(
        "collector",
        context=context,
        roles=roles,
        config=config,
        secret_arns=secrets.arns,
        log_group_arns={cls: store.log_group_arn for cls, store in stores.items()},
        buckets={cls: archive.bucket_arn for cls, archive in archives.items()},
        key_arns=key_arns,
        access_logs=access_logs,
        after=[secrets],
        opts=opts,
    )

    # Beside it: what the destinations themselves need to know of these records.
    declared = {
        str(name): service.declare(stack, access_logs=access_logs, opts=opts) for name, service in set_up.items()
    }

    # Who is told: topics first, then what publishes to them.
    told = Notifications(
        "notifications",
        context=context,
        publishers=publishers(context.policy.alerts),
        webhooks=stack.webhooks,
        opts=opts,
    )
    alarms = Alarms(
        "alarms",
        context=context,
        topic_arns=told.topic_arns,
        cluster_name=collector.cluster_name,
        service_name=collector.service_name,
        own_log_group=collector.own_log_group,
        after=told.policies,
        opts=opts,
    )
    AlertEvents(
        "alert-events",
        context=context,
        topic_arns=told.topic_arns,
        key=told.key,
        key_arns=[
            *key_arns.values(),
            *collector.key_arns,
            *nightly.key_arns,
            *keepers.key_arns,
            search.key.arn,
            *(arn for found in declared.values() for arn in found.key_arns),
            *(trail.key_arn for trail in reads),
            secrets.key_arn,
            told.key.arn,
        ],
        after=told.policies,
        opts=opts,
    )
    for alert_id, alert in context.policy.alerts.alerts.items():
        if isinstance(alert.condition, BudgetCondition) and "money" in alert.condition.budgets:
            CostAlerts(
                alert_id,
                context=context,
                topic_arn=told.topic_arns[shared(alert)],
                after=told.policies,
                opts=opts,
            )
    Dashboards(
        "dashboards",
        context=context,
        cluster_name=collector.cluster_name,
        service_name=collector.service_name,
        opts=opts,
    )
    return {
        **outputs(context, stores=stores, archives=archives, readers=readers, collector=collector),
        **told.outputs,
        "archive_keeping": keepers.outputs,
        **{name: found.outputs for name, found in declared.items()},
        "alerts_unwatched": list(alarms.unwatched),
    }


def provider(context: Context) -> aws.Provider:
    """Return the stack's provider, which refuses every account but the one in its settings."""
    return aws.Provider("aws", region=context.region, allowed_account_ids=[context.account_id])


def rendered_config(stack: Stack) -> str:
    """Return the stack's collector configuration, as it stands in collector_configs/rendered/."""
    config = collector_config(stack.context, load_fragments(stack.root / "collector_configs"))
    return dumps(config, stack=stack.context.environment)
