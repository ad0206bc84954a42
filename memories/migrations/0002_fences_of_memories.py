"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0001_memories"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE memories_memory ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON memories_memory TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE memories_memory ADD CONSTRAINT memories_memory_project_same_organization FOREIGN KEY (organization_id, project_id) REFERENCES orgs_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE memories_memory ADD CONSTRAINT memories_memory_rule_same_organization FOREIGN KEY (organization_id, rule_id) REFERENCES rules_rule (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE memories_memory ADD CONSTRAINT memories_memory_source_finding_same_organization FOREIGN KEY (organization_id, source_finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE memories_memory DROP CONSTRAINT memories_memory_source_finding_same_organization",
                "ALTER TABLE memories_memory DROP CONSTRAINT memories_memory_rule_same_organization",
                "ALTER TABLE memories_memory DROP CONSTRAINT memories_memory_project_same_organization",
                "DROP POLICY own_organization ON memories_memory",
                "ALTER TABLE memories_memory DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE memories_memorychange ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON memories_memorychange TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE memories_memorychange ADD CONSTRAINT memories_memorychange_memory_same_organization FOREIGN KEY (organization_id, memory_id) REFERENCES memories_memory (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE memories_memorychange DROP CONSTRAINT memories_memorychange_memory_same_organization",
                "DROP POLICY own_organization ON memories_memorychange",
                "ALTER TABLE memories_memorychange DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE memories_memoryuse ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON memories_memoryuse TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE memories_memoryuse ADD CONSTRAINT memories_memoryuse_memory_same_organization FOREIGN KEY (organization_id, memory_id) REFERENCES memories_memory (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE memories_memoryuse ADD CONSTRAINT memories_memoryuse_finding_same_organization FOREIGN KEY (organization_id, finding_id) REFERENCES findings_finding (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE memories_memoryuse DROP CONSTRAINT memories_memoryuse_finding_same_organization",
                "ALTER TABLE memories_memoryuse DROP CONSTRAINT memories_memoryuse_memory_same_organization",
                "DROP POLICY own_organization ON memories_memoryuse",
                "ALTER TABLE memories_memoryuse DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            sql=[
                "ALTER TABLE memories_dryrun ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own_organization ON memories_dryrun TO assistant_app USING (organization_id = current_setting('app.current_org')::bigint) WITH CHECK (organization_id = current_setting('app.current_org')::bigint)",
                "ALTER TABLE memories_dryrun ADD CONSTRAINT memories_dryrun_memory_same_organization FOREIGN KEY (organization_id, memory_id) REFERENCES memories_memory (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
            ],
            reverse_sql=[
                "ALTER TABLE memories_dryrun DROP CONSTRAINT memories_dryrun_memory_same_organization",
                "DROP POLICY own_organization ON memories_dryrun",
                "ALTER TABLE memories_dryrun DISABLE ROW LEVEL SECURITY",
            ],
        ),
    ]
