"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("triage", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_verdict ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_verdict TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE triage_verdict ADD CONSTRAINT triage_verdict_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE triage_verdict DROP CONSTRAINT triage_verdict_finding_same_organization",
                "DROP POLICY own_organization ON triage_verdict",
                "ALTER TABLE triage_verdict DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_filetag ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_filetag TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE triage_filetag ADD CONSTRAINT triage_filetag_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE triage_filetag DROP CONSTRAINT triage_filetag_project_same_organization",
                "DROP POLICY own_organization ON triage_filetag",
                "ALTER TABLE triage_filetag DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE triage_feedback ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON triage_feedback TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE triage_feedback ADD CONSTRAINT triage_feedback_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE triage_feedback ADD CONSTRAINT triage_feedback_verdict_same_organization FOREIGN KEY (organization_id, verdict_id) REFERENCES triage_verdict (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE triage_feedback DROP CONSTRAINT triage_feedback_verdict_same_organization",
                "ALTER TABLE triage_feedback DROP CONSTRAINT triage_feedback_finding_same_organization",
                "DROP POLICY own_organization ON triage_feedback",
                "ALTER TABLE triage_feedback DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
