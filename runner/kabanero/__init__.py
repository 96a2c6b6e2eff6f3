"""Kabanero events for Ansible: the runner that carries event-triggered strategies out.

Imports point one way: app, cli -> api, controllers -> sources, stores, buses, executors -> ports -> engine -> model.
"""

__version__ = "0.1.0"
