"""`python -m kabanero`: the command."""

from kabanero.cli.main import main

main()
