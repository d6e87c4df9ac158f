"""The samples of docs/samples, each run as its reader would, against the live service."""
