"""The collector's configuration as a pure function of settings, policy and fragments; one file a stage."""

from infra.documents.collector.assemble import collector_config, dumps
from infra.documents.collector.fragments import Fragments, load_fragments

__all__ = ["Fragments", "collector_config", "dumps", "load_fragments"]
