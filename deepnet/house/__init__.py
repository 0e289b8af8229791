"""What every room of deepnet shares: fields of configurations, seeds, identities, processes, the machine."""
