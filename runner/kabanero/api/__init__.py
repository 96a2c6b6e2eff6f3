"""The runner over HTTP: webhook, the embedded resource API, health, metrics. ASGI, without a framework."""
