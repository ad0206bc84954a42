"""Row-level security on the tables of budgets; the sweep may find what was held back too long."""

from django.db import migrations

OWN = "organization_id = current_setting('app.current_org')::bigint"


def fenced(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=[
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY own_organization ON {table} TO assistant_app USING ({OWN}) WITH CHECK ({OWN})",
        ],
        reverse_sql=[
            f"DROP POLICY own_organization ON {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ],
    )


class Migration(migrations.Migration):

    dependencies = [
        ("providers", "0005_money"),
    ]

    operations = [
        fenced("providers_budget"),
        fenced("providers_budgetmonth"),
        fenced("providers_reservation"),
        migrations.RunSQL(
            sql=[
                "CREATE POLICY directory ON providers_reservation FOR SELECT TO assistant_system USING (true)",
                "GRANT SELECT ON providers_reservation TO assistant_system",
            ],
            reverse_sql=[
                "REVOKE SELECT ON providers_reservation FROM assistant_system",
                "DROP POLICY directory ON providers_reservation",
            ],
        ),
    ]
