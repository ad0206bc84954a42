"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("providers", "0003_connections"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE providers_connection ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON providers_connection TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON providers_connection",
                "ALTER TABLE providers_connection DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE providers_stepmodel ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON providers_stepmodel TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE providers_stepmodel ADD CONSTRAINT providers_stepmodel_connection_same_organization FOREIGN KEY (organization_id, connection_id) REFERENCES providers_connection (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE providers_stepmodel DROP CONSTRAINT providers_stepmodel_connection_same_organization",
                "DROP POLICY own_organization ON providers_stepmodel",
                "ALTER TABLE providers_stepmodel DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE providers_modelcall ADD CONSTRAINT providers_modelcall_replay_of_same_organization FOREIGN KEY (organization_id, replay_of_id) REFERENCES providers_modelcall (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE providers_modelcall DROP CONSTRAINT providers_modelcall_replay_of_same_organization",
            ],
        ),
    ]
