"""Run the command line with `python -m pidkit`."""

import sys

from pidkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
