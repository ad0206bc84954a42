"""Row-level security on the limits of retention."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0006_retention_limit"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_retentionlimit ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_retentionlimit TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON orgs_retentionlimit",
                "ALTER TABLE orgs_retentionlimit DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
