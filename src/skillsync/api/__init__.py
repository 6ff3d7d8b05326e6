"""The remote side: the HTTP client."""

import sys
from types import ModuleType
from typing import cast

if "httpx" not in sys.modules:
    # httpx imports its own command line if it can, and rich with it: 60 ms that no command of ours uses.
    sys.modules.setdefault("httpx._main", cast(ModuleType, None))
