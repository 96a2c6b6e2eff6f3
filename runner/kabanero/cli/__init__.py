"""The `kabanero` command: a client of the resource API, and the way to start the runner."""
