"""The words in which events tell how a stage has ended, and what stands for them in a strategy.

Apart from the kinds that use them, so that a client can read a run without loading all models.
"""

STAGE_STATUS = "$stage_status"
"""As the whole text of an attribute it becomes the stage's outcome."""

OUTCOMES = ("Success", "Failed", "Errored", "Cancelled", "TimedOut")
"""In the order of the phases that they tell of: see `engine.phases`."""
