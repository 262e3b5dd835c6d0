"""Files, databases and sockets behind the ports. Only composition roots and tests import from here."""
