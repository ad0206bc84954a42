"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("scm", "0004_code_hosts"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_codehost ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_codehost TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON scm_codehost FOR SELECT TO assistant_system USING (true)",
                "GRANT SELECT ON scm_codehost TO assistant_system",
            ],
            reverse_sql=[
                "REVOKE SELECT ON scm_codehost FROM assistant_system",
                "DROP POLICY directory ON scm_codehost",
                "DROP POLICY own_organization ON scm_codehost",
                "ALTER TABLE scm_codehost DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_installation ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_installation TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE scm_installation ADD CONSTRAINT scm_installation_host_same_organization FOREIGN KEY (organization_id, host_id) REFERENCES scm_codehost (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_installation DROP CONSTRAINT scm_installation_host_same_organization",
                "DROP POLICY own_organization ON scm_installation",
                "ALTER TABLE scm_installation DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_repository ADD CONSTRAINT scm_repository_host_same_organization FOREIGN KEY (organization_id, host_id) REFERENCES scm_codehost (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE scm_repository ADD CONSTRAINT scm_repository_installation_same_organization FOREIGN KEY (organization_id, installation_id) REFERENCES scm_installation (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_repository DROP CONSTRAINT scm_repository_installation_same_organization",
                "ALTER TABLE scm_repository DROP CONSTRAINT scm_repository_host_same_organization",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_pullrequest ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_pullrequest TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE scm_pullrequest ADD CONSTRAINT scm_pullrequest_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_pullrequest DROP CONSTRAINT scm_pullrequest_project_same_organization",
                "DROP POLICY own_organization ON scm_pullrequest",
                "ALTER TABLE scm_pullrequest DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_webhookdelivery ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_webhookdelivery TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE scm_webhookdelivery ADD CONSTRAINT scm_webhookdelivery_host_same_organization FOREIGN KEY (organization_id, host_id) REFERENCES scm_codehost (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_webhookdelivery DROP CONSTRAINT scm_webhookdelivery_host_same_organization",
                "DROP POLICY own_organization ON scm_webhookdelivery",
                "ALTER TABLE scm_webhookdelivery DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
