"""What the directory's role may touch at all: nothing that a migration has not given it by name.

Policies alone would let it ask any table and find nothing; a right that is missing says so.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("tenancy", "0002_fences"),
    ]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM assistant_system",
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM assistant_system",
                "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM assistant_system",
                "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM assistant_system",
                "GRANT SELECT, INSERT ON tenancy_organization TO assistant_system",
            ],
            reverse_sql=[
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO assistant_system",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO assistant_system",
            ],
        ),
    ]
