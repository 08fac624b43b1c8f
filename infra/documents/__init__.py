"""JSON documents as pure functions of plain values: policies, log group settings, queries. No Pulumi here."""
