"""The compatibility loader: reads strategies in older and misspelt forms, and names every repair.

`load` is called by `kabanero lint`, `kabanero convert` and the demo; `to_yaml` writes the canonical form.
"""

from kabanero.model.compat.config import TriggerFile, TriggerFileRule
from kabanero.model.compat.loading import Loaded, load
from kabanero.model.compat.repairs import Repair
from kabanero.model.compat.writing import to_yaml

__all__ = ["Loaded", "Repair", "TriggerFile", "TriggerFileRule", "load", "to_yaml"]
