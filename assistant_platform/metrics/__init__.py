"""How good the Assistant's work is, as far as people have said: counted in SQL, each figure with what it stands on."""

from assistant_platform.metrics.choosing import PERIODS, Choice, PeriodUnusable, chosen_by
from assistant_platform.metrics.measures import BREAKDOWNS, ENOUGH, Proportion
from assistant_platform.metrics.report import Figure, Group, Report, report_on
from assistant_platform.metrics.resolution import Resolution

__all__ = [
    "BREAKDOWNS",
    "ENOUGH",
    "PERIODS",
    "Choice",
    "Figure",
    "Group",
    "PeriodUnusable",
    "Proportion",
    "Report",
    "Resolution",
    "chosen_by",
    "report_on",
]
