"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("remediation", "0004_fix_pull_requests"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE remediation_fixpullrequest ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON remediation_fixpullrequest TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE remediation_fixpullrequest ADD CONSTRAINT remediation_fixpullrequest_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE remediation_fixpullrequest ADD CONSTRAINT remediation_fixpullrequest_autofix_same_organization FOREIGN KEY (organization_id, autofix_id) REFERENCES remediation_autofix (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE remediation_fixpullrequest DROP CONSTRAINT remediation_fixpullrequest_autofix_same_organization",
                "ALTER TABLE remediation_fixpullrequest DROP CONSTRAINT remediation_fixpullrequest_finding_same_organization",
                "DROP POLICY own_organization ON remediation_fixpullrequest",
                "ALTER TABLE remediation_fixpullrequest DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
