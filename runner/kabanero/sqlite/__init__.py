"""What the adapters on SQLite share: opening, locking, migrations, one writer thread with group commit, readers.

Neutral: knows nothing of resources or events. Used by `stores.sqlite` and `buses.sqlite`, which never see each other.
"""
