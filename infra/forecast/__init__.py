"""What a stack's logging will cost in a month: measured volume, the policy's retentions and sampling, and list prices."""
