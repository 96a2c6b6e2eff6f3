"""`python -m hello_service` and the built file start here."""

import sys

from hello_service.app import main

if __name__ == "__main__":
    sys.exit(main())
