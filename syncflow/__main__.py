"""``python -m syncflow``"""

from syncflow.cli import main

if __name__ == "__main__":
    main()
