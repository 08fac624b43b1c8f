"""The embedded cloud: engine, providers and doubles that let a stack come up with no account."""
