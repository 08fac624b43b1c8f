"""policy/alerts.yaml as documents: Prometheus rules, CloudWatch alarms by PromQL or classic, Datadog queries. Pure."""
