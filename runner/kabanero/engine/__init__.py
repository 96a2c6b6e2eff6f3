"""What follows from which event: pure functions from state and input to state and commands."""
