"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0004_slack_and_webhooks"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_slackworkspace ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_slackworkspace TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "CREATE POLICY directory ON notifications_slackworkspace FOR SELECT TO assistant_system USING (true)",
                "GRANT SELECT ON notifications_slackworkspace TO assistant_system",
            ],
            reverse_sql=[
                "REVOKE SELECT ON notifications_slackworkspace FROM assistant_system",
                "DROP POLICY directory ON notifications_slackworkspace",
                "DROP POLICY own_organization ON notifications_slackworkspace",
                "ALTER TABLE notifications_slackworkspace DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_slackdestination ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_slackdestination TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_slackdestination ADD CONSTRAINT notifications_slackdestination_workspace_same_organization FOREIGN KEY (organization_id, workspace_id) REFERENCES notifications_slackworkspace (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE notifications_slackdestination ADD CONSTRAINT notifications_slackdestination_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_slackdestination DROP CONSTRAINT notifications_slackdestination_project_same_organization",
                "ALTER TABLE notifications_slackdestination DROP CONSTRAINT notifications_slackdestination_workspace_same_organization",
                "DROP POLICY own_organization ON notifications_slackdestination",
                "ALTER TABLE notifications_slackdestination DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_delivery ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_delivery TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_delivery ADD CONSTRAINT notifications_delivery_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_delivery DROP CONSTRAINT notifications_delivery_finding_same_organization",
                "DROP POLICY own_organization ON notifications_delivery",
                "ALTER TABLE notifications_delivery DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_webhookendpoint ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_webhookendpoint TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
            ],
            reverse_sql=[
                "DROP POLICY own_organization ON notifications_webhookendpoint",
                "ALTER TABLE notifications_webhookendpoint DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_webhookmessage ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_webhookmessage TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_webhookmessage ADD CONSTRAINT notifications_webhookmessage_endpoint_same_organization FOREIGN KEY (organization_id, endpoint_id) REFERENCES notifications_webhookendpoint (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE notifications_webhookmessage ADD CONSTRAINT notifications_webhookmessage_redelivery_of_same_organization FOREIGN KEY (organization_id, redelivery_of_id) REFERENCES notifications_webhookmessage (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_webhookmessage DROP CONSTRAINT notifications_webhookmessage_redelivery_of_same_organization",
                "ALTER TABLE notifications_webhookmessage DROP CONSTRAINT notifications_webhookmessage_endpoint_same_organization",
                "DROP POLICY own_organization ON notifications_webhookmessage",
                "ALTER TABLE notifications_webhookmessage DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
