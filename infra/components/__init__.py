"""Pulumi components, one capability each."""
