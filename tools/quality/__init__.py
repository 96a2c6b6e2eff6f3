"""What proves the collection beyond its tests: the Ansible community's own judges. Run by `make check`.

`python -m tools.quality` runs every check, or those that are named. Each gets a copy of the files that it reads, at a
place where Ansible expects a collection, and nothing else. So the content of these files says whether it ran before.
"""
