"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("rules", "0003_policies"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE rules_ruleoverride ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON rules_ruleoverride TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE rules_ruleoverride ADD CONSTRAINT rules_ruleoverride_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE rules_ruleoverride ADD CONSTRAINT rules_ruleoverride_rule_same_organization FOREIGN KEY (organization_id, rule_id) REFERENCES rules_rule (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE rules_ruleoverride DROP CONSTRAINT rules_ruleoverride_rule_same_organization",
                "ALTER TABLE rules_ruleoverride DROP CONSTRAINT rules_ruleoverride_project_same_organization",
                "DROP POLICY own_organization ON rules_ruleoverride",
                "ALTER TABLE rules_ruleoverride DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE rules_policysettings ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON rules_policysettings TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON rules_policysettings",
                "ALTER TABLE rules_policysettings DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
