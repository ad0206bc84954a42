"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("triage", "0009_priorities_and_audits"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_priorityweek ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_priorityweek TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON triage_priorityweek",
                "ALTER TABLE triage_priorityweek DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_prioritytask ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_prioritytask TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE triage_prioritytask ADD CONSTRAINT triage_prioritytask_week_same_organization FOREIGN KEY (organization_id, week_id) REFERENCES triage_priorityweek (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE triage_prioritytask ADD CONSTRAINT triage_prioritytask_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE triage_prioritytask DROP CONSTRAINT triage_prioritytask_finding_same_organization",
                "ALTER TABLE triage_prioritytask DROP CONSTRAINT triage_prioritytask_week_same_organization",
                "DROP POLICY own_organization ON triage_prioritytask",
                "ALTER TABLE triage_prioritytask DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_auditsample ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_auditsample TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE triage_auditsample ADD CONSTRAINT triage_auditsample_verdict_same_organization FOREIGN KEY (organization_id, verdict_id) REFERENCES triage_verdict (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE triage_auditsample ADD CONSTRAINT triage_auditsample_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE triage_auditsample DROP CONSTRAINT triage_auditsample_finding_same_organization",
                "ALTER TABLE triage_auditsample DROP CONSTRAINT triage_auditsample_verdict_same_organization",
                "DROP POLICY own_organization ON triage_auditsample",
                "ALTER TABLE triage_auditsample DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
