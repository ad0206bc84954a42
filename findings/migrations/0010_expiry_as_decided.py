"""The end of an accepted risk is a part of the person's decision: the database lets exactly that happen, when its time has come."""

from django.db import migrations

DECISION = (
    "triage, {row}.triage_source, {row}.triage_change, {row}.ignore_reason, {row}.triage_comment, {row}.triaged_by,"
    " {row}.triaged_at, {row}.triage_expires_at"
)
BEFORE_EXPIRY = (
    "triage, {row}.triage_source, {row}.triage_change, {row}.ignore_reason, {row}.triage_comment, {row}.triaged_by,"
    " {row}.triaged_at"
)
# Expired: open, decided by nobody, and counted as a change, so that an earlier decision cannot be taken back over it.
AS_EXPIRED = """
       AND NOT (OLD.triage_expires_at <= now()
                AND (NEW.triage, NEW.triage_source, NEW.triage_change, NEW.ignore_reason, NEW.triage_comment,
                     NEW.triaged_by, NEW.triage_expires_at)
                    IS NOT DISTINCT FROM ('open', '', OLD.triage_change + 1, '', '', '', NULL::timestamptz)
                AND NEW.triaged_at IS NULL)"""


def function(columns: str, *, exception: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION findings_keep_human_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.{columns.format(row="NEW")})
       IS DISTINCT FROM (OLD.{columns.format(row="OLD")})
       AND NOT (NEW.triage_source = 'person' AND NEW.triage_change > OLD.triage_change){exception}
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
        ("findings", "0009_expiry_import_product"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[function(DECISION, exception=AS_EXPIRED)],
            reverse_sql=[function(BEFORE_EXPIRY, exception="")],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_triageimport ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_triageimport TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_triageimport ADD CONSTRAINT findings_triageimport_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_triageimport DROP CONSTRAINT findings_triageimport_project_same_organization",
                "DROP POLICY own_organization ON findings_triageimport",
                "ALTER TABLE findings_triageimport DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
