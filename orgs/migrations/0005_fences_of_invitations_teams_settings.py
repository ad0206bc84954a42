"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0004_invitations_teams_settings"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_invitation ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_invitation TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON orgs_invitation FOR SELECT TO assistant_system USING (true)",
                "GRANT SELECT ON orgs_invitation TO assistant_system",
            ],
            reverse_sql=[
                "REVOKE SELECT ON orgs_invitation FROM assistant_system",
                "DROP POLICY directory ON orgs_invitation",
                "DROP POLICY own_organization ON orgs_invitation",
                "ALTER TABLE orgs_invitation DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_team ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_team TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON orgs_team",
                "ALTER TABLE orgs_team DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_teammember ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_teammember TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE orgs_teammember ADD CONSTRAINT orgs_teammember_team_same_organization FOREIGN KEY (organization_id, team_id) REFERENCES orgs_team (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE orgs_teammember ADD CONSTRAINT orgs_teammember_membership_same_organization FOREIGN KEY (organization_id, membership_id) REFERENCES orgs_membership (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE orgs_teammember DROP CONSTRAINT orgs_teammember_membership_same_organization",
                "ALTER TABLE orgs_teammember DROP CONSTRAINT orgs_teammember_team_same_organization",
                "DROP POLICY own_organization ON orgs_teammember",
                "ALTER TABLE orgs_teammember DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_teamproject ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_teamproject TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE orgs_teamproject ADD CONSTRAINT orgs_teamproject_team_same_organization FOREIGN KEY (organization_id, team_id) REFERENCES orgs_team (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE orgs_teamproject ADD CONSTRAINT orgs_teamproject_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE orgs_teamproject DROP CONSTRAINT orgs_teamproject_project_same_organization",
                "ALTER TABLE orgs_teamproject DROP CONSTRAINT orgs_teamproject_team_same_organization",
                "DROP POLICY own_organization ON orgs_teamproject",
                "ALTER TABLE orgs_teamproject DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE orgs_projectsettings ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON orgs_projectsettings TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE orgs_projectsettings ADD CONSTRAINT orgs_projectsettings_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE orgs_projectsettings DROP CONSTRAINT orgs_projectsettings_project_same_organization",
                "DROP POLICY own_organization ON orgs_projectsettings",
                "ALTER TABLE orgs_projectsettings DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
