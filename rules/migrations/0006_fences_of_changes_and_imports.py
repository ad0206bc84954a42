"""Row-level security on the new tables of a tenant, and foreign keys that cannot point across organizations."""

from django.db import migrations

OWN = "organization_id = current_setting('app.current_org')::bigint"
TABLES = ("rules_rulechange", "rules_ruleimport", "rules_importedrule")
POINTERS = (
    ("rules_rulechange", "rule_id", "rules_rule"),
    ("rules_rulechange", "project_id", "orgs_project"),
    ("rules_importedrule", "rule_import_id", "rules_ruleimport"),
    ("rules_importedrule", "rule_id", "rules_rule"),
)


def _name(table: str, column: str) -> str:
    return f"{table}_{column.removesuffix('_id')}_same_organization"


class Migration(migrations.Migration):

    dependencies = [
        ("rules", "0005_changes_and_imports"),
    ]

    operations = [
        *(
            migrations.RunSQL(
                sql=[
                    f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
                    f"CREATE POLICY own_organization ON {table} TO assistant_app USING ({OWN}) WITH CHECK ({OWN})",
                ],
                reverse_sql=[
                    f"DROP POLICY own_organization ON {table}",
                    f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                ],
            )
            for table in TABLES
        ),
        *(
            migrations.RunSQL(
                sql=f"ALTER TABLE {table} ADD CONSTRAINT {_name(table, column)} FOREIGN KEY (organization_id, {column})"
                f" REFERENCES {target} (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
                reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {_name(table, column)}",
            )
            for table, column, target in POINTERS
        ),
    ]
