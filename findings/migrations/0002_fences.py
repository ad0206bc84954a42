"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("findings", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_scan ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_scan TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_scan ADD CONSTRAINT findings_scan_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_scan DROP CONSTRAINT findings_scan_project_same_organization",
                "DROP POLICY own_organization ON findings_scan",
                "ALTER TABLE findings_scan DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_uploadchunk ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_uploadchunk TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_uploadchunk ADD CONSTRAINT findings_uploadchunk_scan_same_organization FOREIGN KEY (organization_id, scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_uploadchunk DROP CONSTRAINT findings_uploadchunk_scan_same_organization",
                "DROP POLICY own_organization ON findings_uploadchunk",
                "ALTER TABLE findings_uploadchunk DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_finding ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_finding TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_finding ADD CONSTRAINT findings_finding_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_finding ADD CONSTRAINT findings_finding_rule_same_organization FOREIGN KEY (organization_id, rule_id) REFERENCES rules_rule (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_finding ADD CONSTRAINT findings_finding_first_scan_same_organization FOREIGN KEY (organization_id, first_scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_finding ADD CONSTRAINT findings_finding_last_scan_same_organization FOREIGN KEY (organization_id, last_scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_finding DROP CONSTRAINT findings_finding_last_scan_same_organization",
                "ALTER TABLE findings_finding DROP CONSTRAINT findings_finding_first_scan_same_organization",
                "ALTER TABLE findings_finding DROP CONSTRAINT findings_finding_rule_same_organization",
                "ALTER TABLE findings_finding DROP CONSTRAINT findings_finding_project_same_organization",
                "DROP POLICY own_organization ON findings_finding",
                "ALTER TABLE findings_finding DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_presence ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_presence TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_presence ADD CONSTRAINT findings_presence_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_presence ADD CONSTRAINT findings_presence_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_presence ADD CONSTRAINT findings_presence_first_scan_same_organization FOREIGN KEY (organization_id, first_scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_presence ADD CONSTRAINT findings_presence_last_scan_same_organization FOREIGN KEY (organization_id, last_scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_presence DROP CONSTRAINT findings_presence_last_scan_same_organization",
                "ALTER TABLE findings_presence DROP CONSTRAINT findings_presence_first_scan_same_organization",
                "ALTER TABLE findings_presence DROP CONSTRAINT findings_presence_project_same_organization",
                "ALTER TABLE findings_presence DROP CONSTRAINT findings_presence_finding_same_organization",
                "DROP POLICY own_organization ON findings_presence",
                "ALTER TABLE findings_presence DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_analysis ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_analysis TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_analysis ADD CONSTRAINT findings_analysis_scan_same_organization FOREIGN KEY (organization_id, scan_id) REFERENCES findings_scan (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE findings_analysis ADD CONSTRAINT findings_analysis_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_analysis DROP CONSTRAINT findings_analysis_finding_same_organization",
                "ALTER TABLE findings_analysis DROP CONSTRAINT findings_analysis_scan_same_organization",
                "DROP POLICY own_organization ON findings_analysis",
                "ALTER TABLE findings_analysis DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE findings_note ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON findings_note TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE findings_note ADD CONSTRAINT findings_note_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE findings_note DROP CONSTRAINT findings_note_finding_same_organization",
                "DROP POLICY own_organization ON findings_note",
                "ALTER TABLE findings_note DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
