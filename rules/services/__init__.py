"""Writing rules: what reports name, the texts that people bring, and what each rule may do."""

from __future__ import annotations

from rules.services.importing import NotImported as NotImported
from rules.services.importing import import_rules as import_rules
from rules.services.importing import remove_text as remove_text
from rules.services.labelling import LabelRefused as LabelRefused
from rules.services.labelling import change_labels as change_labels
from rules.services.modes import Selection as Selection
from rules.services.modes import SelectionChanged as SelectionChanged
from rules.services.modes import change_modes as change_modes
from rules.services.modes import freeze as freeze
from rules.services.modes import hold as hold
from rules.services.modes import remove_override as remove_override
from rules.services.modes import set_override as set_override
from rules.services.modes import undo_modes as undo_modes
from rules.services.policy import change_policy as change_policy
from rules.services.texts import RuleFileUnusable as RuleFileUnusable
from rules.services.texts import check_texts as check_texts
from rules.services.texts import keep_rule_texts as keep_rule_texts
from rules.services.texts import note_rules as note_rules
