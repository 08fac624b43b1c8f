"""The nightly export: CloudWatch's records of each closed day into the archive, by a reconciler that heals itself.

This package is what the function's archive holds: the standard library and boto3, nothing else of this program. It
reads what exists (manifests in the buckets, DescribeExportTasks), works out the one next step towards "every closed
day of every group has a complete export", takes it and returns. It may be run any number of times, by the schedule and
by hand at once, and may crash anywhere (docs/adr/0021-nightly-export.md).
"""
