"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("remediation", "0007_feedback_on_advice"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE remediation_advicefeedback ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON remediation_advicefeedback TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE remediation_advicefeedback ADD CONSTRAINT remediation_advicefeedback_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE remediation_advicefeedback ADD CONSTRAINT remediation_advicefeedback_guidance_same_organization FOREIGN KEY (organization_id, guidance_id) REFERENCES remediation_guidance (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE remediation_advicefeedback ADD CONSTRAINT remediation_advicefeedback_autofix_same_organization FOREIGN KEY (organization_id, autofix_id) REFERENCES remediation_autofix (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE remediation_advicefeedback DROP CONSTRAINT remediation_advicefeedback_autofix_same_organization",
                "ALTER TABLE remediation_advicefeedback DROP CONSTRAINT remediation_advicefeedback_guidance_same_organization",
                "ALTER TABLE remediation_advicefeedback DROP CONSTRAINT remediation_advicefeedback_finding_same_organization",
                "DROP POLICY own_organization ON remediation_advicefeedback",
                "ALTER TABLE remediation_advicefeedback DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
