"""Tell the trader something: in the log, in the Hummingbot console, and by whatever notifiers Hummingbot has."""

import logging
import sys

_LOG = logging.getLogger(__name__)
_APPLICATION = "hummingbot.client.hummingbot_application"


def notify(text: str) -> None:
    """Say it once, everywhere. Where no application runs (a backtest, a test) the log is all there is."""
    _LOG.warning(text)
    # Imported here it would bind Hummingbot's paths before the home is set, and asking it for its instance makes one.
    module = sys.modules.get(_APPLICATION)
    application = None if module is None else module.HummingbotApplication._main_app
    if application is not None:
        application.notify(text)
