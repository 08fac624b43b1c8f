"""How years of records are searched: tables over the archives, and for each reader group a place to ask and to answer."""

import json
import typing
from collections.abc import Mapping
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import REPLACED_VERSIONS_KEEP_DAYS, AccessLogs
from infra.components.customer_key import customer_key
from infra.components.private_bucket import PrivateBucket, with_bucket_key
from infra.components.reader_roles import ReaderRoles
from infra.context import Context
from infra.documents.bucket_policy import bucket_policy, encrypted_with, over_tls
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.lifecycle import expiry_rules
from infra.documents.search.grants import SearchReach, own_answers_only, results_key_statement, search_policy
from infra.documents.search.tables import INPUT, OUTPUT, Table, database, tables
from infra.documents.search.workgroups import WorkGroup, scan_limit_bytes, workgroups

ENGINE = "Athena engine version 3"


@typing.final
class Search(pulumi.ComponentResource):
    """Creates a Glue database with two tables a class (and that of the reads, where they are recorded), partitioned by
    projection; the bucket for answers with its key and alias; and for each reader group that may read an archive an
    Athena work group with its saved questions.

    A work group cannot be asked with other settings than its own: answers encrypted, below the group's own prefix, gone
    after the policy's results_keep_days; a question that would read more than scan_limit_gib is stopped.

    Grants each reader group its own work group, the tables of the classes that it may read archived, and its own
    answers. Denies every group the others' answers. Reading the archives' objects is granted elsewhere (ReaderGrants).
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        readers: ReaderRoles,
        access_logs: AccessLogs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Search", name, {}, opts)
        self._context, self._within = context, pulumi.ResourceOptions(parent=self)
        self.groups = workgroups(context)
        self.bucket = results_bucket(context)
        bucket_arn = context.bucket_arn(self.bucket)
        roles = {group: readers.roles[group] for group in self.groups}
        arns = pulumi.Output.all(**{group: role.arn for group, role in roles.items()})
        self.key = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description="Encrypts answers to questions about archived records",
            policy=arns.apply(
                lambda found: service_key_policy(
                    duties_of(context),
                    results_key_statement(
                        list(found.values()), s3_service=context.regional_service("s3"), bucket_arn=bucket_arn
                    ),
                )
            ),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        self.store = self._answers(name, bucket_arn, arns)
        access_logs.watch(name, self.store, self)
        catalogue = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=database(context),
            description="Archived log records, where they lie",
            tags=context.tags(name),
            opts=self._within,
        )
        for table in tables(context).values():
            self._table(name, catalogue, table)
        for group, workgroup in self.groups.items():
            self._workgroup(name, catalogue, workgroup)
            aws.iam.RolePolicy(
                f"{name}-{group}-policy",
                name="search-archives",
                role=roles[group].name,
                policy=self.key.arn.apply(partial(self._grant, workgroup)),
                opts=self._within,
            )
        self.register_outputs({"workgroups": {group: item.name for group, item in self.groups.items()}})

    def _answers(self, name: str, bucket_arn: str, arns: pulumi.Output[Mapping[str, str]]) -> PrivateBucket:
        def policy(given: list[Any]) -> dict[str, Any]:
            key, roles = given
            return bucket_policy(
                over_tls(bucket_arn),
                encrypted_with(bucket_arn, key),
                own_answers_only(bucket_arn, {arn: prefix(group) for group, arn in roles.items()}),
            )

        data_classes = self._context.policy.data_classes
        return PrivateBucket(
            name,
            context=self._context,
            bucket=self.bucket,
            encryption=with_bucket_key(self.key.arn),
            policy=pulumi.Output.all(self.key.arn, arns).apply(policy),
            lifecycle=expiry_rules(
                data_classes.search.results_keep_days.at(self._context.settings.environment),
                REPLACED_VERSIONS_KEEP_DAYS,
            ),
            tags=self._context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.key]),
        )

    def _table(self, name: str, catalogue: aws.glue.CatalogDatabase, table: Table) -> None:
        aws.glue.CatalogTable(
            f"{name}-{table.name.replace('_', '-')}-table",
            database_name=catalogue.name,
            name=table.name,
            description=table.description,
            table_type="EXTERNAL_TABLE",
            parameters=table.parameters,
            partition_keys=[
                aws.glue.CatalogTablePartitionKeyArgs(name=column, type="string") for column in table.partitions
            ],
            storage_descriptor=aws.glue.CatalogTableStorageDescriptorArgs(
                location=f"s3://{table.bucket}/{table.location}",
                input_format=INPUT,
                output_format=OUTPUT,
                columns=[
                    aws.glue.CatalogTableStorageDescriptorColumnArgs(name=column["name"], type=column["type"])
                    for column in table.glue_columns
                ],
                ser_de_info=aws.glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    serialization_library=table.serde, parameters=dict(table.serde_parameters) or None
                ),
            ),
            opts=self._within,
        )

    def _workgroup(self, name: str, catalogue: aws.glue.CatalogDatabase, workgroup: WorkGroup) -> None:
        made = aws.athena.Workgroup(
            f"{name}-{workgroup.group}-workgroup",
            name=workgroup.name,
            description=f"Questions of {workgroup.group} about archived records",
            force_destroy=self._context.settings.teardown_confirmed is not None,
            configuration=aws.athena.WorkgroupConfigurationArgs(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=scan_limit_bytes(self._context),
                engine_version=aws.athena.WorkgroupConfigurationEngineVersionArgs(selected_engine_version=ENGINE),
                result_configuration=aws.athena.WorkgroupConfigurationResultConfigurationArgs(
                    output_location=f"s3://{self.bucket}/{prefix(workgroup.group)}",
                    expected_bucket_owner=self._context.account_id,
                    encryption_configuration=aws.athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
                        encryption_option="SSE_KMS", kms_key_arn=self.key.arn
                    ),
                ),
            ),
            tags=self._context.tags(name, ReaderGroup=workgroup.group),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.store]),
        )
        for query in workgroup.queries:
            aws.athena.NamedQuery(
                f"{name}-{workgroup.group}-{query.name}-query",
                name=query.name,
                description=query.description,
                database=catalogue.name,
                workgroup=made.name,
                query=query.text,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _grant(self, workgroup: WorkGroup, key_arn: str) -> str:
        context, base = self._context, database(self._context)
        document = search_policy(
            SearchReach(
                workgroup=context.arn("athena", f"workgroup/{workgroup.name}"),
                catalog=context.arn("glue", "catalog"),
                # Athena looks for `default` whatever is asked (User Guide, "Configure access to databases and tables").
                databases=[context.arn("glue", f"database/{name}") for name in (base, "default")],
                tables=[context.arn("glue", f"table/{base}/{table}") for table in workgroup.tables],
                results_bucket=context.bucket_arn(self.bucket),
                results_prefix=prefix(workgroup.group),
                key=key_arn,
            ),
            s3_service=context.regional_service("s3"),
        )
        return json.dumps(document)


def results_bucket(context: Context) -> str:
    """Return the name of the bucket that answers are kept in."""
    return context.bucket_name("search-results")


def prefix(group: str) -> str:
    """Return the key prefix of a reader group's answers."""
    return f"{group}/"
