"""Proof that nothing acknowledged is lost: numbered records, faults on purpose, and an audit of what arrived."""
