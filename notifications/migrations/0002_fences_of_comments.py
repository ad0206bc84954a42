"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0001_comments"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_comment ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_comment TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_comment ADD CONSTRAINT notifications_comment_pull_request_same_organization FOREIGN KEY (organization_id, pull_request_id) REFERENCES scm_pullrequest (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_comment DROP CONSTRAINT notifications_comment_pull_request_same_organization",
                "DROP POLICY own_organization ON notifications_comment",
                "ALTER TABLE notifications_comment DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_commentdecision ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_commentdecision TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_commentdecision ADD CONSTRAINT notifications_commentdecision_pull_request_same_organization FOREIGN KEY (organization_id, pull_request_id) REFERENCES scm_pullrequest (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE notifications_commentdecision ADD CONSTRAINT notifications_commentdecision_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE notifications_commentdecision ADD CONSTRAINT notifications_commentdecision_comment_same_organization FOREIGN KEY (organization_id, comment_id) REFERENCES notifications_comment (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_commentdecision DROP CONSTRAINT notifications_commentdecision_comment_same_organization",
                "ALTER TABLE notifications_commentdecision DROP CONSTRAINT notifications_commentdecision_finding_same_organization",
                "ALTER TABLE notifications_commentdecision DROP CONSTRAINT notifications_commentdecision_pull_request_same_organization",
                "DROP POLICY own_organization ON notifications_commentdecision",
                "ALTER TABLE notifications_commentdecision DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_commitstatus ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_commitstatus TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_commitstatus ADD CONSTRAINT notifications_commitstatus_pull_request_same_organization FOREIGN KEY (organization_id, pull_request_id) REFERENCES scm_pullrequest (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_commitstatus DROP CONSTRAINT notifications_commitstatus_pull_request_same_organization",
                "DROP POLICY own_organization ON notifications_commitstatus",
                "ALTER TABLE notifications_commitstatus DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE notifications_replycommand ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON notifications_replycommand TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE notifications_replycommand ADD CONSTRAINT notifications_replycommand_host_same_organization FOREIGN KEY (organization_id, host_id) REFERENCES scm_codehost (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE notifications_replycommand ADD CONSTRAINT notifications_replycommand_pull_request_same_organization FOREIGN KEY (organization_id, pull_request_id) REFERENCES scm_pullrequest (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE notifications_replycommand DROP CONSTRAINT notifications_replycommand_pull_request_same_organization",
                "ALTER TABLE notifications_replycommand DROP CONSTRAINT notifications_replycommand_host_same_organization",
                "DROP POLICY own_organization ON notifications_replycommand",
                "ALTER TABLE notifications_replycommand DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
