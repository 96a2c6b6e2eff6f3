"""What `engine.verify` looks at, one module for each sort of mistake. Pure; nobody but `engine.verify` calls it."""
