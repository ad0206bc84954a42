"""Row-level security on the table of organizations itself: the application sees its own, the directory all."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("tenancy", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE tenancy_organization ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON tenancy_organization TO assistant_app USING (id = current_setting('app.current_org')::bigint) WITH CHECK (id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON tenancy_organization TO assistant_system USING (true)",
            ],
            reverse_sql=[
                "DROP POLICY directory ON tenancy_organization",
                "DROP POLICY own_organization ON tenancy_organization",
                "ALTER TABLE tenancy_organization DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
