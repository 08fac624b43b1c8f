"""Sending what is archived to a sink again: which records, in batches, at a rate, from where it was left."""
