"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("remediation", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE remediation_guidance ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON remediation_guidance TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE remediation_guidance ADD CONSTRAINT remediation_guidance_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE remediation_guidance DROP CONSTRAINT remediation_guidance_finding_same_organization",
                "DROP POLICY own_organization ON remediation_guidance",
                "ALTER TABLE remediation_guidance DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE remediation_autofix ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON remediation_autofix TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE remediation_autofix ADD CONSTRAINT remediation_autofix_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE remediation_autofix DROP CONSTRAINT remediation_autofix_finding_same_organization",
                "DROP POLICY own_organization ON remediation_autofix",
                "ALTER TABLE remediation_autofix DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
