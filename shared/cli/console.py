"""`recovery console`: placeholder."""


def console() -> None:
    """Open the Hummingbot console."""
    raise NotImplementedError
