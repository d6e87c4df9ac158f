"""What must be told to others once the act has committed: rows, a worker, retries, dead letters."""
