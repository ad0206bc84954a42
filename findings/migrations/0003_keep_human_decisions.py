"""What a person decided about a finding is never overwritten by the machine: the database refuses."""

from django.db import migrations

TRIGGER = """
CREATE FUNCTION findings_keep_human_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.triage, NEW.triage_source, NEW.triage_change, NEW.ignore_reason, NEW.triage_comment, NEW.triaged_by,
        NEW.triaged_at)
       IS DISTINCT FROM (OLD.triage, OLD.triage_source, OLD.triage_change, OLD.ignore_reason, OLD.triage_comment,
        OLD.triaged_by, OLD.triaged_at)
       AND NOT (NEW.triage_source = 'person' AND NEW.triage_change > OLD.triage_change)
    THEN
        RAISE EXCEPTION 'a person has decided about finding %; only a person changes that', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_keeps_human_decision';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ("findings", "0002_fences"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                TRIGGER,
                "CREATE TRIGGER finding_keeps_human_decision BEFORE UPDATE ON findings_finding"
                " FOR EACH ROW WHEN (OLD.triage_source = 'person') EXECUTE FUNCTION findings_keep_human_decision()",
            ],
            reverse_sql=[
                "DROP TRIGGER finding_keeps_human_decision ON findings_finding",
                "DROP FUNCTION findings_keep_human_decision()",
            ],
        ),
    ]
