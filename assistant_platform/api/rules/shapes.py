"""Rules, overrides and imports as the API writes them and takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from rules.models import ImportedRule, Mode, Outcome, Rule, RuleImport, RuleOverride

MOST_AT_ONCE = 20_000


class RuleSerializer(serializers.ModelSerializer[Rule]):
    """A rule as lists show it."""

    id = serializers.CharField()
    name = serializers.CharField()
    severity = serializers.CharField(source="get_severity_display")
    delivery = serializers.CharField(source="delivery_state", help_text="whether semgrep ci is given it, or why not")
    open_findings = serializers.IntegerField()
    fixed_findings = serializers.IntegerField()
    fix_rate = serializers.FloatField(allow_null=True, help_text="fixed of all that are fixed or open, 0 to 1")
    agree_rate = serializers.FloatField(allow_null=True, help_text="of answers to verdicts, 0 to 1")
    answers = serializers.IntegerField(help_text="how many answers the agree rate is made of")

    class Meta:
        model = Rule
        fields: Sequence[str] = (
            "id",
            "identifier",
            "name",
            "mode",
            "severity",
            "confidence",
            "labels",
            "languages",
            "origin",
            "delivery",
            "open_findings",
            "fixed_findings",
            "fix_rate",
            "agree_rate",
            "answers",
        )


class OverrideSerializer(serializers.ModelSerializer[RuleOverride]):
    """A mode of a rule in one project."""

    project_id = serializers.CharField()
    project = serializers.CharField(source="project.name")

    class Meta:
        model = RuleOverride
        fields = ("project_id", "project", "mode")


class RuleDetailSerializer(RuleSerializer):
    """A rule with all that is known of it."""

    overrides = OverrideSerializer(many=True, source="overrides_shown")

    class Meta(RuleSerializer.Meta):
        fields = (
            *RuleSerializer.Meta.fields,
            "message",
            "cwe",
            "owasp",
            "category",
            "technology",
            "yaml",
            "objection",
            "checked_at",
            "overrides",
        )


class RulePageSerializer(serializers.Serializer[Any]):
    """Some rules, and where the next page begins."""

    results = RuleSerializer(many=True)
    next_after = serializers.CharField(help_text="give it as `after` for the next page; empty on the last")
    count = serializers.IntegerField(help_text="how many match in all")


class ChangeSerializer(serializers.Serializer[Any]):
    """What to change of a rule; what is left out stays."""

    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    labels = serializers.ListField(child=serializers.CharField(max_length=200), max_length=100, required=False)


class ModesSerializer(serializers.Serializer[Any]):
    """A mode for several rules: those of the ids, or all that the filter in the address matches."""

    mode = serializers.ChoiceField(choices=Mode.choices)
    rule_ids = serializers.ListField(
        child=serializers.RegexField(r"^[0-9]{1,18}$"), required=False, max_length=MOST_AT_ONCE
    )
    expected_count = serializers.IntegerField(
        required=False, min_value=0, help_text="refuse (409) unless exactly so many rules are chosen"
    )


class ModesChangedSerializer(serializers.Serializer[Any]):
    """What was changed."""

    changed = serializers.IntegerField()
    event_id = serializers.CharField(help_text="for undoing; empty where nothing had to be changed")


class UndoneSerializer(serializers.Serializer[Any]):
    """What was taken back; `kept` rules had been changed again since."""

    restored = serializers.IntegerField()
    kept = serializers.IntegerField()


class OwnModeSerializer(serializers.Serializer[Any]):
    """A mode for one project."""

    mode = serializers.ChoiceField(choices=Mode.choices)


class FileSerializer(serializers.Serializer[Any]):
    """Rules to bring."""

    file = serializers.FileField(help_text="a YAML file of rules, or a ZIP of a folder with some")


class ImportedRuleSerializer(serializers.Serializer[ImportedRule]):
    """What became of one rule of an import."""

    rule_id = serializers.CharField(allow_null=True)
    identifier = serializers.CharField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    engine = serializers.SerializerMethodField(help_text="accepted, refused, waiting; empty for what was left out")
    problem = serializers.SerializerMethodField(help_text="why it was left out or refused")

    def get_engine(self, entry: ImportedRule) -> str:
        """Return what the engine said."""
        if entry.rule is None or entry.outcome == Outcome.LEFT_OUT:
            return ""
        if entry.rule.checked_at is None:
            return "waiting"
        return "refused" if entry.rule.objection else "accepted"

    def get_problem(self, entry: ImportedRule) -> str:
        """Return why the rule was left out, or what the engine objects to."""
        return entry.problem or (entry.rule.objection if entry.rule else "")


class ImportSerializer(serializers.ModelSerializer[RuleImport]):
    """An import with what became of each rule."""

    id = serializers.CharField()
    rules = ImportedRuleSerializer(many=True, source="entries_shown")

    class Meta:
        model = RuleImport
        fields = ("id", "source", "imported_by", "created_at", "problems", "rules")
