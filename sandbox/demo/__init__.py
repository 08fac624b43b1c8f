"""What `make demo` does, a room for each part: lines in, records sent, arrivals read back, sums checked, shown."""
