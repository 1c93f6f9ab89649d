"""What `bench-metering` measures, a part in each module."""
