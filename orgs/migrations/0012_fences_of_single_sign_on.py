"""Row-level security on the tables of single sign-on; the directory learns whose a key and a domain are, and no secret."""

from django.db import migrations

OWN = "organization_id = current_setting('app.current_org')::bigint"


def fenced(table: str, *more: tuple[str, str]) -> migrations.RunSQL:
    pairs = [
        (f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
        (
            f"CREATE POLICY own_organization ON {table} TO assistant_app USING ({OWN}) WITH CHECK ({OWN})",
            f"DROP POLICY own_organization ON {table}",
        ),
        *more,
    ]
    return migrations.RunSQL(sql=[do for do, _ in pairs], reverse_sql=[undo for _, undo in reversed(pairs)])


def seen_by_directory(table: str, columns: str) -> list[tuple[str, str]]:
    return [
        (
            f"CREATE POLICY directory ON {table} FOR SELECT TO assistant_system USING (true)",
            f"DROP POLICY directory ON {table}",
        ),
        (
            f"GRANT SELECT ({columns}) ON {table} TO assistant_system",
            f"REVOKE SELECT ({columns}) ON {table} FROM assistant_system",
        ),
    ]


def same_organization(table: str, column: str) -> tuple[str, str]:
    name = f"{table}_{column}_same_organization"
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organization_id, {column}_id)"
        " REFERENCES orgs_signon (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0011_single_sign_on"),
    ]

    operations = [
        fenced(
            "orgs_signon",
            *seen_by_directory("orgs_signon", "id, organization_id, key, name, is_enforced"),
        ),
        fenced(
            "orgs_signondomain",
            *seen_by_directory("orgs_signondomain", "id, organization_id, domain, sign_on_id, proved_at"),
            same_organization("orgs_signondomain", "sign_on"),
        ),
        fenced("orgs_usedassertion", same_organization("orgs_usedassertion", "sign_on")),
    ]
