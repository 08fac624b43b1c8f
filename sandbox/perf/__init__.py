"""What the collector costs: records per CPU-second of its process, stage by stage, on real log lines."""
