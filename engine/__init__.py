"""Orders, nodes, rates and dates: batches in, certified allocations out."""
