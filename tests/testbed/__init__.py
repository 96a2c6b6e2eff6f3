"""A real Kubernetes on this machine, with Tekton and simulated or real pods: for tests, demos and benchmarks."""
