"""The command line: puts together the commands that the rooms offer."""


def main() -> int:
    """Run the command line and return its exit code."""
    return 0
