"""The Tinybeans logging platform as a Pulumi program. Importing this package creates nothing."""
