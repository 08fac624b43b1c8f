"""Doubles of the clouds that log records are sent to, as real servers on 127.0.0.1.

Start at `sandbox.doubles.cloud.running_cloud`. Everything here speaks the services' own protocols over
HTTP, so that the collector that ships is the collector that is tested; nothing here is imported by infra/.
"""
