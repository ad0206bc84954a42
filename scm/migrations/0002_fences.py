"""Row-level security on every table of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("scm", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_repository ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_repository TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE scm_repository ADD CONSTRAINT scm_repository_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_repository DROP CONSTRAINT scm_repository_project_same_organization",
                "DROP POLICY own_organization ON scm_repository",
                "ALTER TABLE scm_repository DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_blob ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_blob TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON scm_blob",
                "ALTER TABLE scm_blob DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE scm_codefile ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON scm_codefile TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE scm_codefile ADD CONSTRAINT scm_codefile_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE scm_codefile ADD CONSTRAINT scm_codefile_blob_same_organization FOREIGN KEY (organization_id, blob_id) REFERENCES scm_blob (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE scm_codefile DROP CONSTRAINT scm_codefile_blob_same_organization",
                "ALTER TABLE scm_codefile DROP CONSTRAINT scm_codefile_project_same_organization",
                "DROP POLICY own_organization ON scm_codefile",
                "ALTER TABLE scm_codefile DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
